"""Parquet files as they are read from disk: whole, or a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from repro.errors import DataError, StorageError


def read_table(path: Path) -> Any:
    """The `pyarrow.Table` at `path`.

    Raises:
        StorageError: it cannot be read.
        DataError: it is not a whole Parquet file.
    """
    try:
        with path.open("rb") as file:
            return pq.read_table(file)
    except pa.ArrowException as error:
        raise DataError(
            f"{path} is not a whole Parquet file ({error}). Delete it and run `repro reproduce` again."
        ) from error
    except OSError as error:
        raise StorageError(
            f"cannot read the evidence {path}: {error.strerror or error}. Run `repro reproduce` first."
        ) from error

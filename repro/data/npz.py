"""NumPy archives, read without pickle: a file that holds Python objects is refused."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from repro.data.disk import reading
from repro.errors import DataError

Arrays = dict[str, NDArray[Any]]


def load(source: Path | bytes, where: str) -> Arrays:
    """The arrays of an npz file.

    Args:
        source: its path, or its content.
        where: the file's name, for the error.

    Raises:
        StorageError: the path cannot be opened.
        DataError: it is no npz file, is damaged, or holds objects that only pickle could load.
    """
    with _opened(source) as stream:
        try:
            with np.load(stream, allow_pickle=False) as archive:
                return {name: np.asarray(archive[name]) for name in archive.files}
        except Exception as error:  # of a dozen kinds, such as tokenize.TokenError from a header that is not Python
            raise DataError(
                f"{where} is not a whole npz file of plain arrays ({error}); make or fetch it again, "
                "without object arrays."
            ) from error


def _opened(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    with reading(source):
        return source.open("rb")


def dump(arrays: Arrays) -> bytes:
    """The content of a compressed npz file that holds `arrays`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **cast("dict[str, Any]", arrays))
    return buffer.getvalue()


def sha256_of_arrays(content: bytes) -> str:
    """sha256 of the names, types, shapes and values in an npz file, however it is compressed.

    Raises:
        DataError: it is no npz file.
    """
    digest = hashlib.sha256()
    for name, array in sorted(load(content, "the file").items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import DataError
from repro.studies.records import read_records


@pytest.mark.parametrize("name", ["runs", "curves"])
def test_a_truncated_table_is_named_and_not_a_traceback(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.parquet").write_bytes(b"PAR1 and then the disk was full")
    with pytest.raises(DataError, match=rf"{name}\.parquet is not a whole Parquet file .* Delete it"):
        read_records(tmp_path)


def test_tables_that_are_not_there_have_no_rows(tmp_path: Path) -> None:
    assert read_records(tmp_path) == ([], [])

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import DataError
from repro.runs.store import RunStore
from repro.studies.records import read_records, trained_anew, write_records
from repro.train.regime import constant
from repro.train.spec import RunSpec


@pytest.mark.parametrize("name", ["runs", "curves"])
def test_a_truncated_table_is_named_and_not_a_traceback(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.parquet").write_bytes(b"PAR1 and then the disk was full")
    with pytest.raises(DataError, match=rf"{name}\.parquet is not a whole Parquet file .* Delete it"):
        read_records(tmp_path)


@pytest.mark.parametrize(("before", "now"), [("complete", "failed"), ("failed", "complete")])
def test_a_run_that_failed_before_or_fails_now_counts_as_trained_anew(tmp_path: Path, before: str, now: str) -> None:
    spec = RunSpec("F1", "mnist-embedded", constant(1, 600, 1e-3))
    store = RunStore(tmp_path / "runs")

    def end(status: str) -> None:
        folder = store.folder(spec.key)
        folder.declare(spec)
        epoch = {"kind": "epoch", "epoch": 1, "update": 10, "train_loss": 0.5}
        folder.forget_after(-1)
        folder.append([epoch] if status == "complete" else [])
        folder.write_status({"status": status, "updates": 10})

    end(before)
    write_records(tmp_path, store, {spec.key})
    assert trained_anew(tmp_path, store) == set()
    end(now)
    assert trained_anew(tmp_path, store) == {spec.key}


def test_tables_that_are_not_there_have_no_rows(tmp_path: Path) -> None:
    assert read_records(tmp_path) == ([], [])

"""`runs.parquet` and `curves.parquet`: what was trained for a study, and how training went."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from repro.atomic import replacing
from repro.claims.parquet import read_table
from repro.runs.store import ENDED, RunFolder, RunStore
from repro.train.spec import RunSpec

Row = dict[str, Any]

RUNS = pa.schema(
    [(name, pa.string()) for name in ("spec", "network", "dataset", "optimizer", "objective", "augmentation")]
    + [
        ("batch", pa.int64()),
        ("learning_rate", pa.float64()),
        ("seed", pa.int64()),
        ("precision", pa.string()),
    ]
    + [("start", pa.string()), ("status", pa.string()), ("reason", pa.string())]
    + [
        ("updates", pa.int64()),
        ("epochs", pa.int64()),
        ("seconds", pa.float64()),
        ("cpu_seconds", pa.float64()),
    ]
    + [(name, pa.string()) for name in ("package_version", "commit", "torch_version", "machine")]
    + [("threads", pa.int64()), ("declared", pa.string())]
)
"""One row a run; `declared` is its spec as canonical JSON."""

CURVES = pa.schema(
    [("spec", pa.string()), ("kind", pa.string()), ("epoch", pa.int64()), ("update", pa.int64())]
    + [(name, pa.float64()) for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "distance")]
)
"""One row an epoch (losses in nats, accuracies as fractions) and one a logged distance from the start."""


_OVER = (*ENDED, "failed")


def write_records(folder: Path, store: RunStore, keys: Collection[str]) -> None:
    """Write both tables for the runs that the evidence names, in the order of their keys.

    A run that the store does not hold keeps the rows it has.

    Args:
        folder: a profile's results.
        store: where the runs are.
        keys: of the runs.

    Raises:
        StorageError: a file cannot be written.
    """
    over = _over(store, keys)
    gone = set(keys) - over.keys()
    kept = [[row for row in rows if row["spec"] in gone] for rows in read_records(folder)]
    runs = kept[0] + [_run(found) for found in over.values()]
    curves = kept[1] + [row for found in over.values() for row in _curve(found)]
    _write(folder / "runs.parquet", RUNS, sorted(runs, key=lambda row: row["spec"]))
    _write(folder / "curves.parquet", CURVES, sorted(curves, key=lambda row: row["spec"]))


def trained_anew(folder: Path, store: RunStore) -> set[str]:
    """Keys of the runs on record that the store holds with another outcome: trained again, where rounding is another.

    Raises:
        StorageError, DataError: a table cannot be read, or is not whole.
    """
    runs, curves = read_records(folder)
    before = {row["spec"]: row["status"] for row in runs}
    over = _over(store, before)
    losses, now = _losses(curves), _losses(row for found in over.values() for row in _curve(found))
    return {key for key, found in over.items() if (before[key], losses[key]) != (found.status["status"], now[key])}


def read_records(folder: Path) -> tuple[list[Row], list[Row]]:
    """The rows of `runs.parquet` and of `curves.parquet`; none where there is no such file.

    Raises:
        StorageError, DataError: a file that is there cannot be read, or is not whole.
    """
    paths = (folder / "runs.parquet", folder / "curves.parquet")
    runs, curves = (read_table(path).to_pylist() if path.exists() else [] for path in paths)
    return runs, curves


def _over(store: RunStore, keys: Iterable[str]) -> dict[str, RunFolder]:
    return {key: store.folder(key) for key in keys if store.folder(key).status["status"] in _OVER}


def _run(folder: RunFolder) -> Row:
    spec, status = folder.spec, folder.status
    first = spec.regime.phases[0]
    row: Row = {
        **{
            name: getattr(spec, name)
            for name in ("network", "dataset", "optimizer", "augmentation", "seed", "precision")
        },
        "spec": spec.key,
        "objective": type(spec.objective).__name__,
        "batch": first.batch,
        "learning_rate": first.learning_rate,
        "start": "" if spec.start is None else f"{spec.start.run}@{spec.start.update}",
        "reason": "",
        "epochs": len(folder.rows("epoch")),
        "declared": _declared(spec),
    }
    return row | {name: status[name] for name in RUNS.names if name in status}


def _declared(spec: RunSpec) -> str:
    return json.dumps(spec.as_json(), sort_keys=True)


def _curve(folder: RunFolder) -> Iterator[Row]:
    for kind in ("epoch", "distance"):
        for row in folder.rows(kind):
            yield {"spec": folder.path.name, **row}


def _losses(curves: Iterable[Row]) -> dict[str, list[float]]:
    """The training loss of every epoch, by run."""
    losses: dict[str, list[float]] = defaultdict(list)
    for row in curves:
        if row["kind"] == "epoch":
            losses[row["spec"]].append(row["train_loss"])
    return losses


def _write(path: Path, schema: Any, rows: Sequence[Row]) -> None:
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(full, schema=schema), temporary, compression="zstd")

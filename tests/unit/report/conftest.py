"""A small paper with made evidence: every number is written down here, none is measured."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from repro.claims import evidence, ledger
from repro.claims.evidence import Observation, Provenance
from repro.claims.judge import judge
from repro.claims.loading import load_claims
from repro.report.site import write_site
from repro.studies.records import CURVES, RUNS

PAPERS = Path(__file__).parents[3] / "papers"
HERE = Provenance("0.1.0", "abc123", "2.13.0", 1, "a processor")
SEEDS = (0, 1, 2)
ALPHAS = (-1.0, -0.25, 0.0, 0.25, 0.75, 1.0, 1.25, 2.0)


def observation(claim: str, quantity: str, value: float, **changes: object) -> Observation:
    row = {"network": "F1", "dataset": "mnist-embedded", "profile": "quick", "seed": 0, "provenance": HERE}
    return Observation(claim=claim, quantity=quantity, value=value, **{**row, **changes})  # type: ignore[arg-type]


def lost(claim: str, quantity: str, status: str, **changes: object) -> Observation:
    return observation(claim, quantity, float("nan"), status=status, reason=f"it {status}", **changes)


def accuracies() -> Iterator[Observation]:
    """A gap of about five points at every seed: reproduced."""
    for seed in SEEDS:
        for arm, test in (("SB", 95.0), ("LB", 90.0)):
            run = {"arm": arm, "seed": seed, "spec": f"{arm}{seed}"}
            yield observation("K1", "test-accuracy", test + 0.1 * seed * (arm == "SB"), **run)
            yield observation("K1", "train-loss", 0.01, **run)
            yield observation("K1", "train-accuracy", 99.5, **run)


def sharpnesses() -> Iterator[Observation]:
    """Flatter large-batch minima, against the paper; the published rule misses one and fails at another."""
    for seed in SEEDS:
        for arm, value in (("SB", 1000.0), ("LB", 10.0)):
            row = {"arm": arm, "seed": seed, "spec": f"{arm}{seed}", "seconds": 3.25 + seed + (arm == "LB")}
            yield observation("K3", "sharpness", value + seed, residual=0.01, cost=48.0, **row)
            yield observation("K3", "sharpness", value + seed + (seed == 2), variant="budget=10x", cost=480.0, **row)
            if (arm, seed) == ("LB", 1):
                yield lost("K3", "sharpness", "failed", variant="published", **row)
            else:
                found = 0.1 if (arm, seed) == ("SB", 0) else 0.95 * value
                yield observation("K3", "sharpness", found, variant="published", **row)


def paths() -> Iterator[Observation]:
    """Two pairs of runs with a path, and one whose large-batch run diverged."""
    for seed in SEEDS[:2]:
        pair = {"seed": seed, "spec": f"SB{seed} LB{seed}", "seconds": 7.0}
        for split in ("train", "test"):
            for alpha in ALPHAS:
                yield observation("K5", f"{split}-loss", alpha**2 + seed, x=alpha, **pair)
                yield observation("K5", f"{split}-accuracy", 90 - alpha**2, x=alpha, **pair)
        for arm in ("SB", "LB"):
            yield observation("K5", "path-rise", 1.0 + seed, arm=arm, **pair)
    for split in ("train", "test"):
        for metric in ("loss", "accuracy"):
            yield lost("K5", f"{split}-{metric}", "diverged", seed=2)
    for arm in ("SB", "LB"):
        yield lost("K5", "path-rise", "diverged", arm=arm, seed=2)


def sweeps() -> Iterator[Observation]:
    """Figs. 4, 5 and 6, one seed each and few points."""
    for batch in (25.0, 100.0, 600.0):
        yield observation("K7", "test-accuracy", 95 - batch / 100, x=batch, spec="SB0 LB0")
        yield observation("K7", "sharpness", batch, x=batch, variant="sharpness", spec="SB0 LB0")
    for epochs in (1.0, 4.0):
        yield observation("K8", "test-accuracy", 90 + epochs, x=epochs, variant="accuracy", spec="SB0 LB0")
        yield observation("K8", "sharpness", 100 / epochs, x=epochs, spec="SB0 LB0")
    for arm, slope in (("SB", 0.1), ("LB", 1.0)):
        for loss in (1.0, 0.1, 0.01):
            yield observation("K9", "sharpness", loss**-slope, x=loss, arm=arm, spec=f"{arm}0")


def everything() -> list[Observation]:
    return [*accuracies(), *sharpnesses(), *paths(), *sweeps()]


def record(root: Path, observations: Iterable[Observation], profile: str = "quick") -> None:
    """What `repro reproduce` would leave in the checkout at `root`."""
    rows, folder = list(observations), root / "papers" / "keskar2017"
    results = folder / "results" / profile
    evidence.write(results / "measurements.parquet", rows)
    ledger.write(results / "ledger.json", judge(load_claims(folder), rows, profile, {"F1": "mnist-embedded"}))
    _table(results / "runs.parquet", RUNS, [_run(arm, seed) for arm in ("SB", "LB") for seed in SEEDS])
    _table(results / "curves.parquet", CURVES, [row for seed in SEEDS for row in _epochs(seed)])


def _run(arm: str, seed: int) -> dict[str, object]:
    return {
        "spec": f"{arm}{seed}",
        "seed": seed,
        "batch": 25 if arm == "SB" else 600,
        "seconds": 10.0 + seed + (arm == "LB"),
    }


def _epochs(seed: int) -> Iterator[dict[str, object]]:
    for arm in ("SB", "LB"):
        for epoch in range(1, 5 + seed):
            accuracies = {"train_accuracy": 1 - 0.5 / epoch, "test_accuracy": 0.9 - 0.4 / epoch + 0.01 * seed}
            yield {"spec": f"{arm}{seed}", "kind": "epoch", "epoch": epoch, "update": 10 * epoch, **accuracies}
        yield {"spec": f"{arm}{seed}", "kind": "distance", "update": 1, "distance": 1.0}


def _table(path: Path, schema: pa.Schema, rows: list[dict[str, object]]) -> None:
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(full, schema=schema), path)


@pytest.fixture
def made() -> SimpleNamespace:
    """The builders above, for a test that needs other evidence."""
    return SimpleNamespace(observation=observation, lost=lost, everything=everything, record=record, table=_table)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout as it is after `git clone`: papers, and no evidence."""
    return _cloned(tmp_path)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with evidence in one profile and its pages written; to be read only."""
    root = _cloned(tmp_path_factory.mktemp("site"))
    record(root, everything())
    write_site(root)
    return root


def _cloned(root: Path) -> Path:
    shutil.copytree(PAPERS, root / "papers", ignore=shutil.ignore_patterns("results"))
    return root


@pytest.fixture
def checkout(clone: Path) -> Path:
    """A checkout with evidence in one profile."""
    record(clone, everything())
    return clone

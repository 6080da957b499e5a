"""The exhibits of Hoffer et al. from made evidence: every column in its place, every curve its own run's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.claims import evidence
from repro.claims.evidence import Observation
from repro.report.hoffer2017 import exhibits
from repro.report.hoffer2017.columns import COLUMNS
from repro.report.results import Results, load_results
from repro.studies.records import CURVES, RUNS

VALUES = {"SB": 94.0, "LB": 92.0, "+LR": 93.0, "+GBN": 93.5, "+RA": 95.0}


def observations(made: SimpleNamespace) -> Iterator[Observation]:
    for seed in (0, 1):
        for column, value in VALUES.items():
            row = {"arm": column, "seed": seed, "spec": f"{column}{seed}"}
            yield made.observation(COLUMNS[column][0], "test-accuracy", value + seed, **row)
        for name, value in (("log-rate", 3.0), ("log-explained", 0.9), ("power-rate", 0.4), ("power-explained", 0.8)):
            yield made.observation("H2", name, value, arm="SB", seed=seed, spec=f"SB{seed}")
        yield made.observation("H8", "alpha", 2.0 + seed, seed=seed)
        for x in (1.0, 3.0):
            yield made.observation("H8", "loss-deviation", x / 10, x=x, seed=seed)
        for batch in (32.0, 512.0):
            yield made.observation("H1", "test-accuracy", 90.0, x=batch, variant="trend", seed=seed)


@pytest.fixture
def results(clone: Path, made: SimpleNamespace) -> Results:
    folder = clone / "papers" / "hoffer2017"
    evidence.write(folder / "results" / "quick" / "measurements.parquet", list(observations(made)))
    keys = [f"{column}{seed}" for column in VALUES for seed in (0, 1)]
    rows = [{"spec": key, "kind": "epoch", "epoch": 1, "update": 10, "test_accuracy": 0.75} for key in keys]
    rows += [{"spec": key, "kind": "distance", "update": u, "distance": float(u)} for key in keys for u in (3, 1)]
    for name, schema, table in (("runs", RUNS, [{"spec": key} for key in keys]), ("curves", CURVES, rows)):
        made.table(folder / "results" / "quick" / f"{name}.parquet", schema, table)
    (found,) = [each for each in load_results(folder) if each.profile == "quick"]
    return found


def cells(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if start in line]
    return [cell.strip() for cell in line.strip("|").split("|")][2:]


def test_table_1_has_every_column_beside_the_papers(results: Results) -> None:
    text = exhibits(results)[0].text
    assert cells(text, "| here |") == ["94.50 ± 0.71", "92.50 ± 0.71", "93.50 ± 0.71", "94.00 ± 0.71", "95.50 ± 0.71"]
    assert cells(text, "| paper |") == ["98.27", "97.05", "97.55", "97.60", "98.53"]
    assert cells(text, "share of the gap") == ["1.00", "0.00", "0.50", "0.75", "1.50"]


def test_distances_and_errors_are_those_of_each_columns_runs(results: Results) -> None:
    _, _, distances, growth, errors, potential = exhibits(results)
    ((figure, _),) = distances.figures
    assert [line.label for line in figure.rows[0][1].lines] == ["SB", "+GBN", "+RA"]
    assert figure.rows[0][0].lines[0].seeds["1"] == [(1, 1.0), (3, 3.0)]
    ((figure, _),) = errors.figures
    assert figure.rows[0][0].lines[2].seeds["0"] == [(10, 25.0)]
    assert "| SB | 3.00 ± 0.00 | 0.90 ± 0.00 | 0.40 ± 0.00 | 0.80 ± 0.00 |" in growth.text
    assert "Twice the slopes: 2.00, 3.00" in potential.figures[0][1]


def test_a_profile_without_evidence_has_no_exhibits(clone: Path) -> None:
    (bare,) = [each for each in load_results(clone / "papers" / "hoffer2017") if each.profile == "paper"]
    assert not any(exhibit.used for exhibit in exhibits(bare))

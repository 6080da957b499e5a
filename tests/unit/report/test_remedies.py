"""Remedies, other optimisers and lost values, from made evidence; `not run` where nothing was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.claims import evidence
from repro.claims.evidence import Observation
from repro.report.claims import sections
from repro.report.exhibition import exhibition
from repro.report.keskar2017.directions import directions
from repro.report.keskar2017.optimisers import optimisers
from repro.report.keskar2017.remedies import table_6, table_7
from repro.report.results import Results, load_results


def observations(made: SimpleNamespace) -> Iterator[Observation]:
    for seed in (0, 1):
        for claim, arm, value in (("K1", "SB", 95.0), ("K12", "LB", 90.0), ("K12", "LB-cons", 92.0)):
            yield made.observation(claim, "test-accuracy", value + seed, arm=arm, seed=seed)
        for claim, arm, value in (("K12", "SB", 40.0), ("K13", "LB", 3000.0), ("K12", "LB-cons", 2000.0)):
            yield made.observation(claim, "sharpness", value + seed, arm=arm, seed=seed, variant="sharpness")


@pytest.fixture
def results(clone: Path, made: SimpleNamespace) -> Results:
    folder = clone / "papers" / "keskar2017"
    evidence.write(folder / "results" / "quick" / "measurements.parquet", list(observations(made)))
    (found,) = [each for each in load_results(folder) if each.profile == "quick"]
    return found


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("SB", "98.03 ± 0.07? | 95.50 ± 0.71 | 2, 0, 0 | 1.23 ± 0.83 | 40.50 ± 0.71 | 2, 0, 0"),
        ("LB", "97.81 ± 0.07 | 90.50 ± 0.71 | 2, 0, 0 | 205.14 ± 69.52 | 3,000.50 ± 0.71 | 2, 0, 0"),
        ("LB-cons", "98.12 ± 0.01? | 92.50 ± 0.71 | 2, 0, 0 | 232.25 ± 63.81? | 2,000.50 ± 0.71 | 2, 0, 0"),
    ],
)
def test_every_arm_of_table_7_stands_beside_the_papers(results: Results, arm: str, expected: str) -> None:
    (line,) = [line for line in table_7(results).text.splitlines() if f"| {arm} |" in line]
    assert line.endswith(f"| {arm} | {expected} |")


def test_a_remedy_that_was_not_run_says_so(results: Results) -> None:
    assert not table_6(results).used
    (missing,) = [line for line in exhibition([results]).text.splitlines() if line.startswith("**Not run** in any")]
    assert "Table 6: augmentation" in missing
    assert "Table 7" not in missing


def test_the_shares_of_chosen_and_of_random_coordinates_stand_side_by_side(clone: Path, made: SimpleNamespace) -> None:
    shares = {"top": 0.02, "random": 0.0001}
    rows = [
        made.observation("K16", "sharpness-share", value * (1 + seed), arm=arm, seed=seed)
        for seed in (0, 1)
        for arm, value in shares.items()
    ]
    made.record(clone, rows)
    (quick,) = [each for each in load_results(clone / "papers" / "keskar2017") if each.profile == "quick"]
    row = "| F1, mnist-embedded | 3.00 ± 1.41 | 0.015 ± 0.0071 | 200.00 ± 0.00 | 2, 0, 0 |"
    assert row in directions(quick).text


def test_other_optimisers_stand_with_how_far_training_had_come(clone: Path, made: SimpleNamespace) -> None:
    rows = []
    for arm, row, value in (("SB", "", 40.0), ("LB-sgd", "", 4000.0), ("LB-adagrad", "adagrad ", 1700.0)):
        spec = {"arm": arm, "spec": arm}
        rows.append(made.observation("K15", "test-accuracy", value / 100, variant=row.strip(), **spec))
        rows.append(made.observation("K15", "sharpness", value, variant=f"{row}sharpness", **spec))
    made.record(clone, rows)
    (quick,) = [each for each in load_results(clone / "papers" / "keskar2017") if each.profile == "quick"]
    curve = [{"train_loss": 0.5, "train_accuracy": 0.8}, {"train_loss": 0.11, "train_accuracy": 0.99}]
    text = optimisers(replace(quick, epochs={"LB-sgd": curve})).text
    assert "| F1, mnist-embedded | LB-sgd | 2 | 0.11 | 99.00 | 40.00 | 1, 0, 0 | 4,000 | 1, 0, 0 |" in text
    assert "| F1, mnist-embedded | LB-adagrad | — | — | — | 17.00 | 1, 0, 0 | 1,700 | 1, 0, 0 |" in text


def test_a_claim_names_the_values_that_have_no_logarithm(clone: Path, made: SimpleNamespace) -> None:
    rises = {"SB": (0.1, 0.2), "LB": (3.0, -0.25)}
    rows = [
        made.observation("K5", "path-rise", value, arm=arm, seed=seed)
        for arm, values in rises.items()
        for seed, value in enumerate(values)
    ]
    made.record(clone, rows)
    (quick,) = [each for each in load_results(clone / "papers" / "keskar2017") if each.profile == "quick"]
    (said,) = [each for each in sections([quick]) if each.startswith("### K5")]
    assert "- `quick`, F1, 1 of LB: -0.25 has no logarithm" in said
    assert "1 of SB" not in said

"""Tables 6 and 7 from made evidence: each arm beside the paper's, and `not run` where nothing was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.claims import evidence
from repro.claims.evidence import Observation
from repro.report.exhibition import exhibition
from repro.report.keskar2017.directions import directions
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

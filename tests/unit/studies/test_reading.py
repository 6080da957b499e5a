"""Numbers of the study, read off made-up records."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from repro.errors import UsageError
from repro.runs.store import RunFolder
from repro.studies import reading
from repro.studies.study import Reading, RunRecord


def record(path: Path, accuracies: list[float], per_epoch: int, speed: float) -> RunRecord:
    """A run whose distance from the start is `speed * log(1 + update)`-like at the logged updates."""
    path.mkdir()
    rows = []
    for epoch, accuracy in enumerate(accuracies, 1):
        update = epoch * per_epoch
        rows.append({"kind": "distance", "update": update, "distance": speed * math.log(update)})
        rows.append({"kind": "epoch", "epoch": epoch, "update": update, "test_accuracy": accuracy, "test_loss": 1.5})
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RunRecord(RunFolder(path))


@pytest.fixture
def small(tmp_path: Path) -> RunRecord:
    return record(tmp_path / "small", [0.5, 0.9, 0.8, 0.85], per_epoch=100, speed=6.0)


@pytest.fixture
def large(tmp_path: Path) -> RunRecord:
    return record(tmp_path / "large", [0.4, 0.6, 0.7], per_epoch=10, speed=2.0)


def test_the_final_epoch_is_read_and_not_the_best(small: RunRecord) -> None:
    assert reading.final_metric("test_accuracy")(small).value == pytest.approx(85)
    assert reading.best_test_accuracy(small).value == pytest.approx(90)
    assert reading.peak_drop(small).value == pytest.approx(5)
    assert reading.final(small, "test_loss") == 1.5


def test_a_distance_between_logged_updates_is_interpolated_in_log_time(small: RunRecord) -> None:
    assert reading.distance_at(small, 200) == pytest.approx(6 * math.log(200))
    assert reading.distance_at(small, 250) == pytest.approx(6 * math.log(250))


def test_equal_epochs_compare_the_last_epoch_that_both_completed(small: RunRecord, large: RunRecord) -> None:
    assert reading.ratio_at_equal_epochs(small, large).value == pytest.approx(3 * math.log(300) / math.log(30))


def test_equal_updates_compare_at_the_large_batchs_last_update(tmp_path: Path, large: RunRecord) -> None:
    small = record(tmp_path / "finer", [0.5] * 5, per_epoch=10, speed=6.0)
    assert reading.ratio_at_equal_updates(small, large).value == pytest.approx(3)


def test_the_slope_is_that_of_a_line_and_the_exponent_of_a_power_law() -> None:
    assert reading.slope([0.0, 1.0, 3.0], [5.0, 3.0, -1.0]) == pytest.approx(-2)
    logs = [math.log10(loss) for loss in (1.0, 0.1, 0.01)]
    assert reading.slope([-log for log in logs], [0.5 - 0.7 * log for log in logs]) == pytest.approx(0.7)


def test_numbers_read_together_fail_with_their_parts() -> None:
    assert reading.together([Reading(1.0), Reading(4.0)], sum).value == 5
    assert reading.together([Reading(1.0), Reading(math.nan, failure="no")], sum).failure == "no"


def test_a_failed_search_is_a_failure_and_not_a_zero() -> None:
    content = {"value": 0.0, "residual": None, "cost": 3.0, "failure": "the solver stopped"}
    assert math.isnan(reading.sharpness(content).value)
    assert reading.sharpness(content).failure == "the solver stopped"
    assert reading.sharpness(content | {"value": 2.0, "failure": ""}).value == 2.0


def test_a_rate_cannot_be_tuned_on_other_seeds_where_there_is_one(small: RunRecord, large: RunRecord) -> None:
    with pytest.raises(UsageError, match="run at least two"):
        reading.best_for_others(0, 2, reading.final_metric("test_loss"))(small, large)


def test_an_arm_that_failed_for_another_seed_is_chosen_last(small: RunRecord, large: RunRecord) -> None:
    gone = Reading(math.nan, failure="diverged")
    read = reading.best_for_others(0, 2, lambda record: Reading(1.0 if record is small else 2.0))
    assert read(small, gone, large, large).value == 2.0
    assert read(small, small, large, large).value == 1.0

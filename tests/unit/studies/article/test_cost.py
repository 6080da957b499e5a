"""Numbers of A3, A4 and A9 read off made records: a machine of known costs, and runs of known accuracies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repro.runs.store import RunFolder
from repro.runs.worker import RunRequest
from repro.studies.article import samples
from repro.studies.article.setting import Cost
from repro.studies.study import Reading, RunRecord, Sample
from repro.studies.timing import SecondsOf

SETTING = Cost(
    profile="quick",
    network="F1",
    dataset="mnist-embedded",
    claims=("A3", "A4", "A9"),
    seeds=(0, 1, 2),
    useful=90.0,
    sweep=(64, 256, 1024),
    grid=(1.0, 4.0),
)
A, C = 5e-3, 7e-5
EXAMPLES = 6000
SPEEDS = pytest.mark.parametrize("speed", [0.1, 1.0, 30.0])


def sample(claim: str, quantity: str, **wanted: Any) -> Sample:
    wanted = {"variant": "", "arm": "", "seed": 0, "x": None, **wanted}
    (found,) = (
        each
        for each in samples(SETTING)
        if (each.claim, each.quantity) == (claim, quantity)
        and all(getattr(each, name) == value for name, value in wanted.items())
    )
    return found


def machine(speed: float = 1.0, batches: tuple[int, ...] = SETTING.updates) -> dict[str, Any]:
    """What `SecondsOf.measure` would put down on a machine without noise."""
    return {"batches": list(batches), "seconds": [[speed * (A + C * batch)] * 9 for batch in batches]}


def value(read: Reading | list[Reading]) -> float:
    assert isinstance(read, Reading)
    return read.value


@SPEEDS
def test_overhead_and_slope_are_those_of_the_machine_and_their_ratio_that_of_all(speed: float) -> None:
    content = machine(speed)
    assert value(sample("A3", "overhead").read(content)) == pytest.approx(speed * A)
    assert value(sample("A3", "slope").read(content)) == pytest.approx(speed * C)
    assert value(sample("A3", "half-batch").read(content)) == pytest.approx(A / C)
    assert value(sample("A3", "saturated-batch").read(content)) == pytest.approx(10 * A / C)


@SPEEDS
def test_saturated_compares_the_largest_batch_with_a_quarter_of_it(speed: float) -> None:
    expected = (A / 2048 + C) / (A / 512 + C)
    read = sample("A3", "late-ratio", variant="saturated").read
    assert value(read(machine(speed))) == pytest.approx(expected)


def test_points_stand_beside_the_line_they_follow() -> None:
    points, line = (sample("A3", quantity).read(machine()) for quantity in ("seconds-per-example", "line"))
    assert isinstance(points, list)
    assert isinstance(line, list)
    assert [point.x for point in points] == [float(batch) for batch in SETTING.updates]
    assert [p.value for p in points] == pytest.approx([p.value for p in line])
    assert points[0].value == pytest.approx(A / 4 + C)


def test_departures_are_percent_of_the_line() -> None:
    content = machine()
    content["seconds"][3] = [1.2 * seconds for seconds in content["seconds"][3]]
    departures = sample("A3", "departure").read(content)
    assert isinstance(departures, list)
    assert max(departures, key=lambda each: each.value).x == SETTING.updates[3]
    assert 10 < departures[3].value < 20  # the line gives way a little


def test_every_row_times_its_own_work_and_precision() -> None:
    timed = {each.variant: each.needs[0] for each in samples(SETTING) if each.quantity == "half-batch"}
    found = {row: (need.work, need.precision) for row, need in timed.items() if isinstance(need, SecondsOf)}
    assert found == {
        "": ("update", "fp32"),
        "bf16": ("update", "bf16"),
        "prediction": ("prediction", "fp32"),
        "prediction bf16": ("prediction", "bf16"),
    }


def served(
    calls: int, computed: int, seconds: float, overhead: float, timeouts: int = 0, lost: int = 0
) -> dict[str, float]:
    spent = {"model_seconds": seconds, "process_seconds": seconds + overhead}
    return {"requests": computed + lost, "calls": calls, "computed": computed, "timeouts": timeouts, **spent}


@pytest.mark.parametrize(("timeouts", "kept_up"), [(1, True), (2, False)])
def test_where_the_machine_does_not_keep_up_nothing_is_compared(timeouts: int, kept_up: bool) -> None:
    # 2 of 199 are above 1 %, though not of 201: a request that was computed too late is one request
    content = {"alone": served(199, 199, 10.0, 2.0, timeouts), "queued": served(20, 100, 5.0, 1.0)}
    found = sample("A4", "cpu-ratio").read(content)
    assert isinstance(found, Reading)
    assert (found.failure == "") == kept_up
    assert kept_up or "1 % of the requests alone were given up" in found.failure


def test_a_ratio_is_of_seconds_for_each_answer_and_given_up_requests_have_none() -> None:
    content = {"alone": served(50, 50, 10.0, 2.0, lost=7), "queued": served(20, 100, 5.0, 1.0)}
    assert value(sample("A4", "cpu-ratio").read(content)) == pytest.approx((5 / 100) / (10 / 50))
    assert value(sample("A4", "cpu-ratio", variant="process").read(content)) == pytest.approx((6 / 100) / (12 / 50))
    assert value(sample("A4", "calls", arm="queued").read(content)) == 20


@SPEEDS
def test_the_line_says_what_a_queue_of_its_mean_batch_saves(speed: float) -> None:
    content = {"alone": served(50, 50, 10.0, 2.0), "queued": served(20, 100, 5.0, 1.0)}
    read = sample("A4", "cpu-ratio", variant="line").read
    assert value(read(content, machine(speed))) == pytest.approx((A / 5 + C) / (A + C))


def record(folder: Path, accuracies: list[float]) -> RunRecord:
    folder.mkdir()
    rows = [{"kind": "epoch", "test_accuracy": each, "update": k} for k, each in enumerate(accuracies)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RunRecord(RunFolder(folder))


@pytest.fixture
def way(tmp_path: Path) -> list[RunRecord]:
    """Two rates, three seeds: the first rate is better for seeds 1 and 2, the second for seed 0."""
    curves = [[0.8, 1.0], [0.8, 1.0], [0.8, 1.0], [0.9, 1.0], [0.5, 0.7, 0.95], [0.5, 0.7, 0.95]]
    return [record(tmp_path / str(place), accuracies) for place, accuracies in enumerate(curves)]


@SPEEDS
def test_seconds_are_those_of_the_updates_at_the_rate_that_was_best_for_the_other_seeds(
    way: list[RunRecord], speed: float
) -> None:
    # seed 0 at the first rate: from 80 % to 100 % in the second epoch, so 90 % after 1.5 epochs of 94 updates
    seconds = speed * (A * 1.5 * 94 + C * 1.5 * EXAMPLES)
    read = sample("A9", "seconds", arm="64").read
    found = read(machine(speed), *way)
    assert value(found) == pytest.approx(seconds)
    slower = value(sample("A9", "seconds", arm="1024").read(machine(speed), *way))
    assert value(found) / slower == pytest.approx((A * 94 + C * EXAMPLES) / (A * 6 + C * EXAMPLES))


def test_one_rate_needs_the_runs_of_that_rate_alone(way: list[RunRecord]) -> None:
    found = sample("A9", "seconds", arm="64", variant="one rate")
    assert len(found.needs) == 1 + 3
    assert value(found.read(machine(), *way[3:])) == pytest.approx(A * 94 + C * EXAMPLES)


def test_updates_and_bytes_of_the_sweep_follow_from_the_epochs(way: list[RunRecord]) -> None:
    parameters = 784 * 512 + 4 * 512 * 512 + 512 * 10 + 5 * 512 + 10 + 5 * 2 * 512
    updates = value(sample("A9", "updates", x=256.0).read(machine(), *way))
    assert updates == pytest.approx(1.5 * 24)
    assert value(sample("A9", "bytes", x=256.0).read(machine(), *way)) == pytest.approx(8 * parameters * updates)


def test_a_batch_that_never_gets_there_is_a_failure(tmp_path: Path) -> None:
    runs = [record(tmp_path / str(place), [0.5, 0.6]) for place in range(6)]
    for quantity, wanted in (("seconds", {"arm": "64"}), ("updates", {"x": 64.0})):
        found = sample("A9", quantity, **wanted).read(machine(), *runs)
        assert isinstance(found, Reading)
        assert found.failure == "test_accuracy did not reach 90 in 2 epochs"


@SPEEDS
def test_the_critical_and_the_cheapest_batch_are_those_of_the_law(tmp_path: Path, speed: float) -> None:
    # updates S_min (1 + B_crit / B) with S_min 18.75 and B_crit 320: epochs until 90 % from 0 in one straight rise
    runs = []
    for batch, per_epoch in ((64, 94), (256, 24), (1024, 6)):
        epochs = 18.75 * (1 + 320 / batch) / per_epoch
        rises = [0.9 * k / epochs for k in range(1, 8)]
        runs += [record(tmp_path / f"{batch}-{place}", rises) for place in range(6)]
    critical = value(sample("A9", "critical-batch").read(machine(speed), *runs))
    assert critical == pytest.approx(320)
    cheapest = value(sample("A9", "cheapest-batch").read(machine(speed), *runs))
    assert cheapest == pytest.approx((320 * A / C) ** 0.5)


def test_the_noise_beside_the_critical_batch_is_that_of_the_way_to_the_useful_accuracy(tmp_path: Path) -> None:
    noise = sample("A9", "noise-batch")
    (need,) = noise.needs
    assert isinstance(need, RunRequest)
    (probe,) = need.probes
    run = record(tmp_path / "run", [0.8, 0.95, 0.99])  # useful within the second epoch, which ends with update 1
    squares = {"small": 2 + 640 / probe.batch, "large": 2 + 640 / (probe.batch * probe.batches)}
    late = {"small": 9.0, "large": 1.0}
    marks = {"kind": "noise", "batch": probe.batch, "batches": probe.batches, "epochs": list(probe.epochs)}
    with (tmp_path / "run" / "metrics.jsonl").open("a") as lines:
        for update, norms in ((-1, late), (0, squares), (1, squares), (2, late)):
            lines.write(json.dumps({**marks, "update": update, **norms}) + "\n")
    found = noise.read(run)
    assert value(found) == pytest.approx(640 / 2)
    assert found.cost == 2 * probe.batch * probe.batches / EXAMPLES
    never = noise.read(record(tmp_path / "never", [0.5]))
    assert "did not reach 90" in never.failure

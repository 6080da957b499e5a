"""From the store to evidence: what ran gives numbers, what failed gives failures, what did not run gives nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from repro.errors import UsageError
from repro.runs import measurements
from repro.runs.measurements import carry_out
from repro.runs.noise import NoiseProbe
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest
from repro.studies.dry_run import estimate
from repro.studies.observing import needs_of, observe
from repro.studies.reading import best_of_tries
from repro.studies.setting import NetworkSetting
from repro.studies.study import Reading, RunRecord, Sample
from repro.train.regime import constant
from repro.train.spec import RunSpec

SPEC = RunSpec("F1", "mnist-embedded", constant(1, 600, 1e-3))
SETTING = NetworkSetting(profile="quick", network="F1", dataset="mnist-embedded", claims=("K3",))
FACTS = {"package_version": "0", "commit": "", "torch_version": "0", "threads": 1, "machine": "none"}


@dataclass(frozen=True)
class Doubled:
    """A measurement that needs no network."""

    METHOD: ClassVar[int] = 1

    spec: RunSpec
    value: float
    measured: ClassVar[int] = 0

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        return (RunRequest(self.spec),)

    @property
    def gradients(self) -> float:
        return 1.0

    def measure(self, _: RunStore) -> dict[str, Any]:
        return {"value": 2 / self.value}


@pytest.fixture
def store(tmp_path: Any) -> RunStore:
    return RunStore(tmp_path)


def finished(store: RunStore, status: str = "complete", spec: RunSpec = SPEC) -> None:
    store.folder(spec.key).path.mkdir(parents=True, exist_ok=True)
    store.folder(spec.key).append([{"kind": "epoch", "epoch": 1, "update": 3}])
    store.folder(spec.key).write_status({"status": status, "reason": "because", "updates": 3, "seconds": 7.0, **FACTS})


def read(content: dict[str, Any]) -> Reading:
    return Reading(content["value"], residual=0.5, cost=3)


SAMPLE = Sample("K3", "SB", 4, "sharpness", (Doubled(SPEC, 4.0),), read, "published")


def test_what_was_not_run_leaves_no_row(store: RunStore) -> None:
    assert list(observe(store, SETTING, [SAMPLE])) == []
    finished(store)
    assert list(observe(store, SETTING, [SAMPLE])) == []  # trained, but not measured


def test_a_measured_sample_is_one_row_with_all_its_columns(store: RunStore) -> None:
    finished(store)
    carry_out(store, SAMPLE.needs[0])  # type: ignore[arg-type]
    (row,) = observe(store, SETTING, [SAMPLE])
    assert (row.claim, row.network, row.dataset, row.profile) == ("K3", "F1", "mnist-embedded", "quick")
    assert (row.variant, row.arm, row.seed, row.quantity) == ("published", "SB", 4, "sharpness")
    assert (row.value, row.residual, row.cost, row.status, row.reason) == (0.5, 0.5, 3, "ok", "")
    assert row.spec == SPEC.key


def test_a_measurement_that_raises_is_a_failed_row_and_is_tried_again(store: RunStore) -> None:
    finished(store)
    bad = Doubled(SPEC, 0.0)
    carry_out(store, bad)
    (row,) = observe(store, SETTING, [replace(SAMPLE, needs=(bad,))])
    assert (row.status, row.reason) == ("failed", "ZeroDivisionError: float division by zero")
    assert math.isnan(row.value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Doubled, "measure", lambda *_: {"value": 1.0})
        assert carry_out(store, bad)["status"] == "ok"


def test_a_diverged_run_is_a_diverged_row_for_its_measurements_too(store: RunStore) -> None:
    finished(store, "diverged")
    records = replace(SAMPLE, needs=(RunRequest(SPEC),), read=lambda _: Reading(1.0))
    rows = list(observe(store, SETTING, [SAMPLE, records]))
    assert [(row.status, row.reason) for row in rows] == [("diverged", "because")] * 2


def test_a_measurement_counts_only_for_the_run_that_was_measured(store: RunStore) -> None:
    folder = store.folder(SPEC.key)
    for loss in (0.5, 0.4):  # the second time another machine trains it
        finished(store)
        folder.write_status(folder.status)
        folder.forget_after(-1)
        folder.append([{"kind": "epoch", "update": 3, "train_loss": loss}])
        assert list(observe(store, SETTING, [SAMPLE])) == []
        carry_out(store, SAMPLE.needs[0])  # type: ignore[arg-type]
        assert len(list(observe(store, SETTING, [SAMPLE]))) == 1


def test_what_failed_is_left_to_do_and_what_a_diverged_run_lacks_is_not(store: RunStore) -> None:
    def left() -> int:
        plan = SimpleNamespace(samples={SETTING: [replace(SAMPLE, needs=(Doubled(SPEC, 0.0),))]})
        return estimate(plan, store)[1].left  # type: ignore[arg-type]

    finished(store)
    carry_out(store, Doubled(SPEC, 0.0))
    assert left() == 1
    finished(store, "diverged")
    assert left() == 0


def test_a_try_that_diverged_is_a_failed_reading_among_the_others(store: RunStore) -> None:
    other = replace(SPEC, seed=1)
    finished(store, "diverged")
    finished(store, spec=other)
    tries = (RunRequest(SPEC), RunRequest(other))
    sample = replace(SAMPLE, needs=tries, read=best_of_tries(lambda _: Reading(3.0)), tries=True)
    alone = replace(sample, needs=tries[:1])
    rows = list(observe(store, SETTING, [sample, alone, replace(sample, tries=False)]))
    assert [row.status for row in rows] == ["ok", "failed", "diverged"]
    assert [row.reason for row in rows] == ["", "because", "because"]


def test_a_failed_point_of_a_curve_keeps_its_place(store: RunStore) -> None:
    finished(store, "diverged")
    (row,) = observe(store, SETTING, [replace(SAMPLE, arm="", x=4.0)])
    assert (row.status, row.x) == ("diverged", 4.0)


def test_a_row_costs_the_seconds_of_what_was_measured_and_not_those_of_its_runs(store: RunStore) -> None:
    finished(store)
    carry_out(store, SAMPLE.needs[0])  # type: ignore[arg-type]
    needs = [SAMPLE.needs, (RunRequest(SPEC), *SAMPLE.needs), (RunRequest(SPEC),)]
    samples = [replace(SAMPLE, needs=each, read=lambda *_: Reading(1.0)) for each in needs]
    measured, both, trained = observe(store, SETTING, samples)
    assert measured.seconds == both.seconds < 7  # which the run took
    assert trained.seconds == 0


def test_a_reading_that_refuses_its_numbers_is_a_failure_and_says_why(store: RunStore) -> None:
    def refuse(*_: object) -> Reading:
        raise UsageError("batches=[1] must be three.")

    finished(store)
    (row,) = observe(store, SETTING, [replace(SAMPLE, needs=(RunRequest(SPEC),), read=refuse)])
    assert (row.status, row.reason) == ("failed", "batches=[1] must be three.")


def test_a_number_that_is_not_finite_is_a_failure(store: RunStore) -> None:
    finished(store)
    sample = replace(SAMPLE, needs=(RunRequest(SPEC),), read=lambda _: [Reading(1.0, 0.0), Reading(math.inf, 1.0)])
    rows = list(observe(store, SETTING, [sample]))
    assert [(row.x, row.status) for row in rows] == [(0.0, "ok"), (1.0, "failed")]


def test_a_run_is_read_through_its_record(store: RunStore) -> None:
    finished(store)
    store.folder(SPEC.key).append([{"kind": "epoch", "update": 3, "epoch": 1, "test_accuracy": 0.5}])

    def accuracy(record: RunRecord) -> Reading:
        return Reading(record.epochs[-1]["test_accuracy"])

    (row,) = observe(store, SETTING, [replace(SAMPLE, needs=(RunRequest(SPEC),), read=accuracy)])
    assert row.value == 0.5


def test_a_run_that_did_not_carry_the_probe_has_no_row_of_it_yet(store: RunStore) -> None:
    finished(store)
    probe = NoiseProbe(2, batches=5, epochs=(1,))
    probed = RunRequest(SPEC, probes=frozenset({probe}))
    sample = replace(SAMPLE, needs=(probed,), read=lambda record: Reading(record.noise(probe)[0]["small"]))
    assert list(observe(store, SETTING, [sample])) == []
    store.folder(SPEC.key).append(
        [{"kind": "noise", "batch": 2, "batches": 5, "epochs": [1], "update": 1, "small": 8.0}]
    )
    (row,) = observe(store, SETTING, [sample])
    assert row.value == 8.0


def test_a_measurement_among_tries_has_failed_where_its_run_has(store: RunStore) -> None:
    finished(store, "failed")
    sample = replace(SAMPLE, needs=(Doubled(SPEC, 4.0), RunRequest(SPEC)), read=lambda *_: Reading(1.0), tries=True)
    (row,) = observe(store, SETTING, [sample])
    assert (row.status, row.reason) == ("failed", "because")


def test_needs_are_listed_once_and_a_measurements_run_with_them() -> None:
    other = replace(SPEC, seed=9)
    runs, asked = needs_of([SAMPLE, SAMPLE, replace(SAMPLE, needs=(RunRequest(other),))])
    assert runs == [RunRequest(SPEC), RunRequest(other)]
    assert asked == [Doubled(SPEC, 4.0)]


def test_a_measurement_is_never_made_twice(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(store)
    first = carry_out(store, Doubled(SPEC, 4.0))
    monkeypatch.setattr(Doubled, "measure", lambda *_: pytest.fail("measured again"))
    again = dict(measurements.measure_all(store, [Doubled(SPEC, 4.0)], workers=1))
    assert again == {Doubled(SPEC, 4.0): first}

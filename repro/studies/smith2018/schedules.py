"""Claims about schedules of one noise scale (Figs. 2 to 5), and the control without which they mean nothing."""

from __future__ import annotations

from collections.abc import Iterator

from repro.runs.worker import RunRequest
from repro.studies import reading
from repro.studies.sgd import final_accuracies
from repro.studies.smith2018.noise import noise_along_training
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Reading, RunRecord, Sample

NEAR = 0.5
"""Percentage points below the decaying schedule's final accuracy that count as having reached it."""


def same_curve(setting: Setting) -> Iterator[Sample]:
    """S1: the largest gap between the test curves of decay and increase, after the schedules part; and their noise."""
    first = setting.drops[0]
    for seed in setting.seeds:
        for row, decay, increase in _both(setting, seed):
            yield Sample("S1", "", seed, "curve-gap", (decay, increase), lambda a, b: _curve_gap(a, b, first), row)
    yield from noise_along_training(setting)


def fewer_updates(setting: Setting) -> Iterator[Sample]:
    """S2: updates until a schedule comes near to decay's final accuracy."""
    for seed in setting.seeds:
        for row, decay, increase in _both(setting, seed):
            for arm, run in (("increase", increase), ("decay", decay)):
                yield Sample("S2", arm, seed, "updates", (decay, run), _updates_until_near, row)


def same_accuracy(setting: Setting) -> Iterator[Sample]:
    """S3: final test accuracy of increase against decay, and of the hybrid."""
    for seed in setting.seeds:
        for row, decay, increase in _both(setting, seed):
            for arm, run in (("increase", increase), ("decay", decay)):
                yield Sample("S3", arm, seed, "test-accuracy", (run,), reading.test_accuracy, row)
    yield from final_accuracies(setting, "S3", ("hybrid", "decay"), "hybrid")


def increased_rate(setting: Setting) -> Iterator[Sample]:
    """S4: a larger initial learning rate with a larger initial batch."""
    yield from final_accuracies(setting, "S4", ("rate", "decay"))


def increased_momentum(setting: Setting) -> Iterator[Sample]:
    """S5: a larger momentum with a still larger initial batch."""
    yield from final_accuracies(setting, "S5", ("momentum", "decay"))


def past_a_tenth(setting: Setting) -> Iterator[Sample]:
    """S7: a batch that grows far beyond a tenth of the training set."""
    yield from final_accuracies(setting, "S7", ("past", "decay"))


def control(setting: Setting) -> Iterator[Sample]:
    """S8: neither rate nor batch changes."""
    yield from final_accuracies(setting, "S8", ("constant", "decay"))


def _both(setting: Setting, seed: int) -> Iterator[tuple[str, RunRequest, RunRequest]]:
    """The row, and the runs of decay and increase, under each optimiser; momentum is the primary row."""
    decay, increase = (setting.run_of(name, seed) for name in ("decay", "increase"))
    yield "", decay, increase
    for optimizer in setting.optimizers:
        regimes = [setting.under(optimizer, name) for name in ("decay", "increase")]
        decay, increase = (setting.run(regime, seed, optimizer) for regime in regimes)
        yield optimizer, decay, increase


def _curve_gap(decay: RunRecord, increase: RunRecord, first: int) -> Reading:
    """Percentage points, over the epochs after the first `first`."""
    pairs = zip(decay.epochs[first:], increase.epochs[first:], strict=True)
    gaps = (reading.percent(a, "test_accuracy") - reading.percent(b, "test_accuracy") for a, b in pairs)
    return Reading(max(map(abs, gaps)))


def _updates_until_near(decay: RunRecord, run: RunRecord) -> Reading:
    """Updates at the end of the first epoch from which the accuracy stays near decay's final one."""
    wanted = reading.final(decay, "test_accuracy") - NEAR
    reached = None
    for row in run.epochs:
        reached = (reached or row) if reading.percent(row, "test_accuracy") >= wanted else None
    if reached is None:
        return Reading(float("nan"), failure=f"the accuracy did not stay within {NEAR} points of decay's")
    return Reading(float(reached["update"]))

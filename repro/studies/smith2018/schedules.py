"""Claims about schedules of one noise scale (Figs. 2 to 5), and the control without which they mean nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from repro.runs.worker import RunRequest
from repro.studies import reading
from repro.studies.sgd import finals
from repro.studies.smith2018.noise import noise_along_training
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Reading, RunRecord, Sample

Row = dict[str, Any]
NEAR = 0.5
"""Percentage points below the decaying schedule's final accuracy that count as having reached it."""


def same_curve(setting: Setting) -> Iterator[Sample]:
    """S1: the largest gap between the curves of decay and increase, after the schedules part; and their noise."""
    points, decades = (partial(_curve_gap, setting.drops[0], read) for read in (_test_accuracy, _log_training_loss))
    for seed in setting.seeds:
        for row, decay, increase in _beside_decay(setting, "increase", seed):
            yield Sample("S1", "", seed, "curve-gap", (decay, increase), points, row)
            if not row:
                yield Sample("S1", "", seed, "loss-curve-gap", (decay, increase), decades, "training-loss")
    yield from noise_along_training(setting)


def fewer_updates(setting: Setting) -> Iterator[Sample]:
    """S2: updates until a schedule comes near to decay's final accuracy."""
    for seed in setting.seeds:
        for row, decay, increase in _beside_decay(setting, "increase", seed):
            for arm, run in (("increase", increase), ("decay", decay)):
                yield Sample("S2", arm, seed, "updates", (decay, run), _updates_until_near, row)


def same_accuracy(setting: Setting) -> Iterator[Sample]:
    """S3: final test accuracy of increase against decay, and of the hybrid."""
    yield from _accuracies(setting, "S3", "increase")
    yield from finals(setting, "S3", "test_accuracy", ("hybrid", "decay"), "hybrid")


def increased_rate(setting: Setting) -> Iterator[Sample]:
    """S4: a larger initial learning rate with a larger initial batch."""
    yield from finals(setting, "S4", "test_accuracy", ("rate", "decay"))


def increased_momentum(setting: Setting) -> Iterator[Sample]:
    """S5: a larger momentum with a still larger initial batch."""
    yield from finals(setting, "S5", "test_accuracy", ("momentum", "decay"))


def past_a_tenth(setting: Setting) -> Iterator[Sample]:
    """S7: a batch that grows far beyond a tenth of the training set."""
    yield from finals(setting, "S7", "test_accuracy", ("past", "decay"))


def control(setting: Setting) -> Iterator[Sample]:
    """S8: neither rate nor batch changes."""
    yield from _accuracies(setting, "S8", "constant")


def _accuracies(setting: Setting, claim: str, name: str) -> Iterator[Sample]:
    """Final test accuracies of a schedule and of decay, under each optimiser."""
    for seed in setting.seeds:
        for row, decay, other in _beside_decay(setting, name, seed):
            for arm, run in ((name, other), ("decay", decay)):
                yield Sample(claim, arm, seed, "test-accuracy", (run,), reading.test_accuracy, row)


def _beside_decay(setting: Setting, name: str, seed: int) -> Iterator[tuple[str, RunRequest, RunRequest]]:
    """The row, and the runs of decay and of another schedule, under each optimiser; momentum is the primary row."""
    decay, other = (setting.run_of(each, seed) for each in ("decay", name))
    yield "", decay, other
    for optimizer in setting.optimizers:
        regimes = [setting.under(optimizer, each) for each in ("decay", name)]
        decay, other = (setting.run(regime, seed, optimizer) for regime in regimes)
        yield optimizer, decay, other


def _curve_gap(first: int, read: Callable[[Row], float], decay: RunRecord, increase: RunRecord) -> Reading:
    """The largest difference in any epoch after the first `first`."""
    pairs = zip(decay.epochs[first:], increase.epochs[first:], strict=True)
    return Reading(max(abs(read(a) - read(b)) for a, b in pairs))


def _test_accuracy(row: Row) -> float:
    return reading.percent(row, "test_accuracy")


def _log_training_loss(row: Row) -> float:
    return math.log10(row["train_loss"])


def _updates_until_near(decay: RunRecord, run: RunRecord) -> Reading:
    """Updates at the end of the first epoch from which the accuracy stays near decay's final one."""
    wanted = reading.final(decay, "test_accuracy") - NEAR
    reached = None
    for row in run.epochs:
        reached = (reached or row) if reading.percent(row, "test_accuracy") >= wanted else None
    if reached is None:
        return Reading(float("nan"), failure=f"the accuracy did not stay within {NEAR} points of decay's")
    return Reading(float(reached["update"]))

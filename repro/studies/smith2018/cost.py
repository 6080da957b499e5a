"""What the schedules cost on this machine: seconds by the line through timings of updates, and by the timings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from repro.measure.timing import Timing
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Reading, Sample
from repro.studies.timing import SecondsOf, cost_of, predicted, timing_of
from repro.train.regime import Phase, Regime

ARMS = {"": ("increase", "decay"), "rate": ("rate", "decay"), "momentum": ("momentum", "decay")}
"""The schedules that each row of S9 compares by the line."""
TIMINGS = "timings"
"""The row of S9 that compares those of the primary row without it."""

Content = dict[str, Any]


def seconds_saved(setting: Setting) -> Iterator[Sample]:
    """S9: seconds of a schedule's updates; they are timed anew for every seed, at the run whose rate decays."""
    examples = setting.examples
    for seed in setting.seeds:
        needs = (SecondsOf(setting.run_of("decay", seed).spec, "update", _timed(setting)),)
        for row, arms in ARMS.items():
            for arm in arms:
                schedule = setting.regimes[arm], examples
                yield Sample("S9", arm, seed, "seconds", needs, _by_line(*schedule), row)
                yield Sample("S9", arm, seed, "examples-a-second", needs, _rate(*schedule), row)
        for arm in ARMS[""]:
            yield Sample("S9", arm, seed, "seconds", needs, _by_timings(setting.regimes[arm], examples), TIMINGS)


def _timed(setting: Setting) -> tuple[int, ...]:
    """The batches of the schedules, and from the smallest on each twice the last."""
    own = {phase.batch for arms in ARMS.values() for arm in arms for phase in setting.regimes[arm].phases}
    doubled = {setting.batch * 2**k for k in range((max(own) // setting.batch).bit_length())}
    return tuple(sorted(own | doubled))


def _by_line(regime: Regime, examples: int) -> Callable[[Content], Reading]:
    """The sum over phases of updates times t(batch) is a line in the updates and the examples of all phases."""
    return lambda content: predicted(cost_of(content), regime.updates(examples), regime.epochs * examples)


def _rate(regime: Regime, examples: int) -> Callable[[Content], Reading]:
    return lambda content: Reading(regime.epochs * examples / _by_line(regime, examples)(content).value)


def _by_timings(regime: Regime, examples: int) -> Callable[[Content], Reading]:
    """The same sum of median seconds."""
    return lambda content: Reading(sum(_of_phase(phase, examples, timing_of(content)) for phase in regime.phases))


def _of_phase(phase: Phase, examples: int, timing: Timing) -> float:
    """Linear between the batches that were timed; an epoch's smaller last batch costs no less than the smallest."""
    full, last = divmod(examples, phase.batch)
    batches = [phase.batch] * full + [last] * bool(last)
    return phase.epochs * float(np.interp(batches, timing.batches, timing.medians).sum())

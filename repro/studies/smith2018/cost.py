"""What the schedules cost on this machine: seconds by the line of their updates' timings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from repro.data import CATALOGUE
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Reading, Sample
from repro.studies.timing import SecondsOf, cost_of, predicted
from repro.train.regime import Regime

ARMS = {"": ("increase", "decay"), "rate": ("rate", "decay"), "momentum": ("momentum", "decay")}
"""The schedules that each row of S9 compares."""

Content = dict[str, Any]


def seconds_saved(setting: Setting) -> Iterator[Sample]:
    """S9: seconds of a schedule's updates; they are timed anew for every seed, at the run whose rate decays."""
    for seed in setting.seeds:
        timing = SecondsOf(setting.run_of("decay", seed).spec, "update", _timed(setting))
        for row, arms in ARMS.items():
            for arm in arms:
                seconds = _seconds(setting.regimes[arm], CATALOGUE[setting.dataset].train)
                yield Sample("S9", arm, seed, "seconds", (timing,), seconds, row)


def _timed(setting: Setting) -> tuple[int, ...]:
    """Batches from the smallest to the largest of the schedules, each twice the last."""
    largest = max(phase.batch for row in ARMS.values() for arm in row for phase in setting.regimes[arm].phases)
    doubled = [setting.batch]
    while 2 * doubled[-1] < largest:
        doubled.append(2 * doubled[-1])
    return (*doubled, largest)


def _seconds(regime: Regime, examples: int) -> Callable[[Content], Reading]:
    """The sum over phases of updates times t(batch) is a line in the updates and the examples of all phases."""
    return lambda content: predicted(cost_of(content), regime.updates(examples), regime.epochs * examples)

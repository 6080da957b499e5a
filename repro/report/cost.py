"""What a result has cost: seconds by the clock, of the runs it rests on and of what was measured on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from repro.claims.evidence import Observation
from repro.report.results import Results


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock on the wall, of one process.

    Attributes:
        runs: how many were trained; one that several results share counts in each of them.
        training: seconds of these runs.
        measuring: seconds of the measurements.
    """

    runs: int
    training: float
    measuring: float

    @property
    def total(self) -> str:
        """`12 min`; a dash where nothing was recorded."""
        return duration(self.training + self.measuring)

    @property
    def parts(self) -> str:
        """`training 6 runs 3 min, measuring 17 min`."""
        parts = {f"training {self.runs} runs": self.training, "measuring": self.measuring}
        return ", ".join(f"{what} {duration(time)}" for what, time in parts.items() if time) or "not recorded"


def cost(results: Results, used: Iterable[Observation]) -> Cost:
    """The cost of the observations `used`; a run, and what was measured for the same numbers, is counted once."""
    rows = list(used)
    keys = {key for each in rows for key in each.spec.split()}
    training = [results.runs[key]["seconds"] for key in sorted(keys) if key in results.runs]
    measuring = {each.seconds for each in rows}
    return Cost(len(training), sum(training), sum(sorted(measuring)))


def duration(seconds: float) -> str:
    """`41 s`, `12 min` or `2.3 h`; a dash for none."""
    if seconds == 0:
        return "—"
    if seconds < 100:
        return f"{seconds:.0f}\N{NO-BREAK SPACE}s"
    if seconds < 6000:
        return f"{seconds / 60:.0f}\N{NO-BREAK SPACE}min"
    return f"{seconds / 3600:.1f}\N{NO-BREAK SPACE}h"

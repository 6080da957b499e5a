"""Numbers in a table: mean and standard deviation over seeds, and how many attempts stand behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from repro.claims.estimate import one_sample
from repro.claims.evidence import Observation

NOTHING = "—"
"""Stands where there is no number."""


@dataclass(frozen=True)
class Summary:
    """What the seeds of one cell gave.

    Attributes:
        values: one number a seed that succeeded.
        attempted, failed, diverged: seeds; failed and diverged ones are counted in the first.
    """

    values: tuple[float, ...]
    attempted: int
    failed: int
    diverged: int

    @property
    def mean(self) -> str:
        """`mean ± SD`, the sample standard deviation; the mean alone for one value."""
        return spread(self.values)

    @property
    def interval(self) -> str:
        """`low to high`: the 95 % interval of the mean by Student's t; a dash where there is none."""
        bounds = one_sample(self.values).interval(0.05) if self.values else None
        return NOTHING if bounds is None else f"{number(bounds[0])} to {number(bounds[1])}"

    @property
    def complete(self) -> bool:
        """Whether something was attempted, and nothing of it failed or diverged."""
        return self.attempted > 0 and not self.failed and not self.diverged

    @property
    def counts(self) -> str:
        """`n, failed, diverged` for a column of that name; a dash where nothing was attempted."""
        return f"{self.attempted}, {self.failed}, {self.diverged}" if self.attempted else NOTHING

    @property
    def words(self) -> str:
        """The same for running text: zeros are not spoken of, and nothing attempted is not run."""
        if not self.attempted:
            return "not run"
        lost = [f"{count} {word}" for count, word in ((self.failed, "failed"), (self.diverged, "diverged")) if count]
        return ", ".join([f"n {self.attempted}", *lost])


def summary(observations: Iterable[Observation]) -> Summary:
    """Sum up one cell; a seed without a value counts once, however many points its curve would have had."""
    rows = list(observations)
    lost = {word: {row.seed for row in rows if row.status == word} for word in ("failed", "diverged")}
    return Summary(
        values=tuple(row.value for row in rows if row.status == "ok" and row.x is None),
        attempted=len({row.seed for row in rows}),
        failed=len(lost["failed"]),
        diverged=len(lost["diverged"]),
    )


def spread(values: Iterable[float]) -> str:
    """`mean ± SD` with digits for reading, not for computing with."""
    listed = tuple(values)
    if not listed:
        return NOTHING
    estimate = one_sample(listed)
    sd = "" if estimate.sd is None else f" ± {number(estimate.sd)}"
    return f"{number(estimate.mean)}{sd}"


def counted(values: Iterable[float]) -> str:
    """`mean ± SD` of what is counted, in whole numbers; the mean alone where all counts agree."""
    listed = tuple(values)
    if not listed:
        return NOTHING
    estimate = one_sample(listed)
    sd = f" ± {estimate.sd:,.0f}" if estimate.sd else ""
    return f"{estimate.mean:,.0f}{sd}"


def fitted(observations: Iterable[Observation], scale: float = 1.0) -> str:
    """`mean ± SD [half]` of fitted times: over the seeds that have one, and half of one fit's 95 % interval, mean."""
    found = [row for row in observations if row.status == "ok" and row.residual is not None]
    halves = [scale * row.residual for row in found if row.residual is not None]
    return f"{spread(scale * row.value for row in found)} [{number(fmean(halves))}]" if halves else NOTHING


def by_seed(observations: Iterable[Observation], scale: float = 1.0) -> dict[int, float]:
    """The single numbers of the seeds that have one."""
    return {row.seed: scale * row.value for row in observations if row.status == "ok" and row.x is None}


def number(value: float) -> str:
    """Two decimals, or two digits where those would show nothing; whole thousands have none: `11,250`."""
    if abs(value) >= 1000:
        return f"{value:,.2f}".removesuffix(".00")
    return f"{value:.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:.2g}"


def cited(numbers: Iterable[float], mark: str = "verified") -> str:
    """The paper's `[mean, SD]`, `[mean]` or `[]`; a question mark after what is recalled from memory."""
    listed = list(numbers)
    return " ± ".join(map(number, listed)) + ("?" if mark == "recalled" else "") if listed else NOTHING

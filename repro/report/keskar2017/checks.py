"""How far the sharpness can be trusted: the published rule against the search, the search against a longer one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from repro.claims.evidence import Observation
from repro.report.markdown import blocks, listing, table
from repro.report.results import Results
from repro.report.summary import number

MISS = 0.10
"""Share of the searched maximum by which the published rule must fall short to count as a miss."""
CLOSE = 0.01
"""Share of the longer search's maximum within which the search must come."""


class Compared(NamedTuple):
    """Two searches of one box: `tried` is held against `best`."""

    tried: Observation
    best: Observation

    @property
    def shortfall(self) -> float:
        """By what share of the best maximum the other falls short; negative where it is larger."""
        return 1 - self.tried.value / self.best.value if self.best.value > 0 else 0.0

    @property
    def where(self) -> str:
        """Which minimum and box."""
        eps = "ε 5e-4" if "5e-4" in self.best.variant else "ε 1e-3"
        return f"{self.best.network} {self.best.arm}, seed {self.best.seed}, {eps}"


def against_the_published_rule(used: Sequence[Observation]) -> str:
    """How often ten iterations of L-BFGS-B missed the searched maximum, and by how much at worst."""
    pairs = list(_pairs(used, tried="published", best=""))
    pairs += _pairs(used, tried="eps=5e-4 published", best="eps=5e-4")
    if not pairs:
        return ""
    answered = [pair for pair in pairs if pair.tried.status == "ok"]
    missed = [pair for pair in answered if pair.shortfall > MISS]
    silent = len(pairs) - len(answered)
    said = (
        f"The published rule missed the searched maximum by more than {MISS:.0%} in **{len(missed)} of the "
        f"{len(answered)}** searches in which it gave an answer; in {silent} of {len(pairs)} it gave none."
    )
    return said.replace("%", " %") + (f" {_worst(missed)}" if missed else "")


def against_ten_times(results: Results) -> str:
    """How often the search came within 1 % of one of ten times the budget, and what both found and spent."""
    rows = [each for each in results.observations if each.claim == "K3" and each.quantity == "sharpness"]
    pairs = list(_pairs(rows, tried="", best="budget=10x"))
    if not pairs:
        return "A search of ten times the budget was **not run**."
    close = [pair for pair in pairs if pair.tried.status == "ok" and pair.shortfall <= CLOSE]
    said = (
        f"The search came within 1 % of a longer one in **{len(close)} of {len(pairs)}** minima"
        f"{_checked(rows, pairs)}. The longer one had ten times the gradients; where it spent fewer, a version made "
        "it that ended once 60 in a row had led nowhere higher. Where it found less, the share is negative."
    )
    return blocks([said, _shortfalls(pairs)])


def _checked(rows: Iterable[Observation], pairs: Iterable[Compared]) -> str:
    """On which networks it was tried, and on which not."""
    tried = list(dict.fromkeys(pair.best.network for pair in pairs))
    others = [each for each in dict.fromkeys(row.network for row in rows) if each not in tried]
    left = f"; on {listing(others)} none as long was run on the same weights" if others else ""
    return f" (of {listing(tried)}{left})"


def _pairs(rows: Iterable[Observation], *, tried: str, best: str) -> Iterator[Compared]:
    """Pairs of one minimum in which the best search has an answer and the other one's run survived."""
    listed = list(rows)
    of = {_minimum(each): each for each in listed if each.variant == tried}
    for each in listed:
        other = of.get(_minimum(each))
        if each.variant == best and each.status == "ok" and other is not None and other.status != "diverged":
            yield Compared(other, each)


def _minimum(searched: Observation) -> tuple[str | int, ...]:
    """The weights that were searched: a run ends in others on a machine that rounds otherwise."""
    run = (searched.network, searched.dataset, searched.arm, searched.seed)
    return *run, searched.provenance.machine


def _worst(missed: Sequence[Compared]) -> str:
    pair = max(missed, key=lambda pair: pair.shortfall)
    return f"The worst: {number(pair.tried.value)} where the search found {number(pair.best.value)} ({pair.where})."


def _shortfalls(pairs: Sequence[Compared]) -> str:
    head = ("minimum", "searched", "by the longer search", "short by", "gradients", "of the longer")
    return table(head, map(_shortfall, pairs))


def _shortfall(pair: Compared) -> Sequence[str]:
    found, share = pair.tried.reason, ""
    if pair.tried.status == "ok":
        found, share = number(pair.tried.value), f"{round(100 * pair.shortfall, 2) + 0.0:.2f} %"
    costs = ("" if each.cost is None else f"{each.cost:.0f}" for each in pair)
    return pair.where, found, number(pair.best.value), share, *costs

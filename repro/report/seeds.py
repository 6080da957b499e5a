"""From evidence to the points of a line, one set a seed, and to the sentence that says what gave none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from repro.claims.evidence import Observation
from repro.report.summary import summary

Points = list[tuple[float, float]]


def curves(observations: Iterable[Observation]) -> dict[str, Points]:
    """The points (x, value) of every seed that has any, in order of x; failed ones are not among them."""
    found: dict[str, Points] = {}
    for each in sorted(observations, key=lambda each: each.seed):
        if each.status == "ok" and each.x is not None:
            found.setdefault(str(each.seed), []).append((each.x, each.value))
    return {seed: sorted(points) for seed, points in found.items()}


def drawn(observations: Iterable[Observation], curve: Callable[[Observation], Points]) -> dict[str, Points]:
    """The curve that belongs to every seed's number; failed ones and empty curves are left out."""
    found = {str(each.seed): curve(each) for each in observations if each.status == "ok"}
    return {seed: points for seed, points in found.items() if points}


def paired(
    ones: Mapping[str, Points], others: Mapping[str, Points], combine: Callable[[float, float], float]
) -> dict[str, Points]:
    """Two curves of every seed made one, where they share their x; seeds that share none are left out."""
    found = {}
    for seed, points in ones.items():
        other = dict(others.get(seed, ()))
        found[seed] = [(x, combine(y, other[x])) for x, y in points if x in other]
    return {seed: points for seed, points in found.items() if points}


def sentence(arms: Mapping[str, Sequence[Observation]]) -> str:
    """`LB n 3, 1 diverged`: the arms of which not all gave values; the legend of a figure has the n of the others."""
    told = {arm: summary(rows) for arm, rows in arms.items()}
    lost = [f"{arm} {each.words}".strip() for arm, each in told.items() if not each.complete]
    return "; ".join(lost) or "nothing failed or diverged"

"""Cells: the runs behind one row of the ledger, counted, and the estimate they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repro.claims.claim import Comparison
from repro.claims.estimate import Estimate, one_sample, paired, welch
from repro.claims.evidence import Observation
from repro.errors import DataError

Arm = Mapping[int, Observation]


@dataclass(frozen=True)
class Cell:
    """What the runs of one row say.

    Attributes:
        n: runs attempted in the smallest arm, failed and diverged ones included.
        failed: measurements without an answer, all arms together; on a log scale a value that has no
            logarithm is one.
        diverged: runs that did not survive, all arms together.
        without_logarithm: of the failed, the values that have none, on a log scale.
        estimate: of the effect, over the usable runs alone; `None` where there is none, or where it would leave out a
            value for having no logarithm.
    """

    n: int
    failed: int
    diverged: int
    without_logarithm: int
    estimate: Estimate | None


def cell(comparison: Comparison, observations: Iterable[Observation]) -> Cell:
    """Count the runs and estimate the effect; only values with status `ok` enter the mean.

    Args:
        comparison: how the arms are compared.
        observations: values of its quantity, for one network, data set and profile, each seed once an arm.

    Raises:
        DataError: an observation belongs to no arm of the comparison.
    """
    arms = _by_arm(comparison, observations)
    every = [each for arm in arms for each in arm.values()]
    without = sum(each.status == "ok" and not comparison.on_scale(each.value) for each in every)
    return Cell(
        n=min(len(arm) for arm in arms),
        failed=sum(each.status != "diverged" and not _usable(comparison, each) for each in every),
        diverged=sum(each.status == "diverged" for each in every),
        without_logarithm=without,
        estimate=None if without else _estimate(comparison, [_values(comparison, arm) for arm in arms]),
    )


def _by_arm(comparison: Comparison, observations: Iterable[Observation]) -> list[Arm]:
    arms: dict[str, dict[int, Observation]] = {arm: {} for arm in comparison.arms or ("",)}
    for each in observations:
        if each.arm not in arms:
            names = ", ".join(map(repr, arms))
            raise DataError(f"{each.place}: arm {each.arm!r} must be one of {names}, as claims.toml declares it.")
        arms[each.arm][each.seed] = each
    return list(arms.values())


def _usable(comparison: Comparison, observation: Observation) -> bool:
    return observation.status == "ok" and comparison.on_scale(observation.value)


def _values(comparison: Comparison, arm: Arm) -> dict[int, float]:
    return {seed: comparison.transform(arm[seed].value) for seed in sorted(arm) if _usable(comparison, arm[seed])}


def _estimate(comparison: Comparison, arms: list[dict[int, float]]) -> Estimate | None:
    if comparison.pairing == "paired":
        both = [seed for seed in arms[0] if seed in arms[1]]
        return paired([arms[0][seed] for seed in both], [arms[1][seed] for seed in both]) if both else None
    if not all(arms):
        return None
    samples = [list(arm.values()) for arm in arms]
    return one_sample(samples[0]) if len(samples) == 1 else welch(samples[0], samples[1])

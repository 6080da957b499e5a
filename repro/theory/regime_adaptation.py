"""Regime adaptation: how many updates a large batch does when its regime is stretched to those of a small one.

An epoch of N examples has ⌈N/B⌉ updates, for the last batch is used however small it is. So the same number of updates
is met exactly only where the large batch fits, and otherwise by counting updates, not epochs.
"""

from __future__ import annotations

from dataclasses import replace

from repro.theory.identity import identity, relative_gap
from repro.train.adapt import as_long_as, lengthened
from repro.train.regime import Phase, Regime


def enlarged(regime: Regime, ratio: int) -> Regime:
    """The same regime at batches larger by `ratio`."""
    return regime.each(lambda phase: replace(phase, batch=ratio * phase.batch))


def adapted(regime: Regime, ratio: int) -> Regime:
    """The same regime at batches larger by `ratio`, every phase lengthened by it (Hoffer et al. 2017)."""
    return lengthened(enlarged(regime, ratio), ratio)


def matched(regime: Regime, ratio: int, examples: int) -> Regime:
    """The same regime at batches larger by `ratio`, every phase as short as its updates on `examples` allow."""
    return as_long_as(enlarged(regime, ratio), regime, examples)


@identity(
    title="Lengthening phases by the ratio of the batches rounds the updates of each base epoch up to a multiple of it",
    statement=r"k \lceil N / (k B) \rceil = n + (-n \bmod k),\quad n = \lceil N / B \rceil",
    source="Hoffer et al. 2017, regime adaptation; derived",
    premises="k = B'/B is whole, every phase of e epochs is given ke",
)
def surplus_updates(regime: Regime, large: Regime, ratio: int, examples: int) -> float:
    """Gap between the updates of a large-batch regime and the formula; `ratio` is k, `examples` is N."""
    per_epoch = ((phase.epochs, phase.updates_per_epoch(examples)) for phase in regime.phases)
    return relative_gap(large.updates(examples), sum(epochs * (n + -n % ratio) for epochs, n in per_epoch))


@identity(
    title="Where the ratio of the batches divides the updates of an epoch, every update keeps its learning rate",
    statement=r"k \mid \lceil N / B \rceil \implies \eta'_t = \eta_t \text{ for every update } t",
    source="Hoffer et al. 2017, regime adaptation; derived",
    premises="k = B'/B divides ⌈N/B⌉, every phase of e epochs is given ke, rates are not scaled",
)
def same_rate_at_every_update(regime: Regime, large: Regime, examples: int) -> float:
    """The fraction of updates, of the longer regime, at which the learning rates differ or one regime has ended."""
    rates, larges = (_rates(either, examples) for either in (regime, large))
    same = sum(rate == other for rate, other in zip(rates, larges, strict=False))
    return 1 - same / max(len(rates), len(larges))


@identity(
    title="Matched by updates instead of epochs, a phase does less than one epoch of large batches too many",
    statement=r"0 \leq e' n' - e n < n',\quad e' = \lceil e n / n' \rceil,\ n' = \lceil N / (k B) \rceil",
    source="derived; whole epochs cannot come closer from above",
    premises="every phase ends with the first epoch that brings it to the updates of the small batch",
)
def within_one_epoch(regime: Regime, large: Regime, examples: int) -> float:
    """By how much the surplus of any phase lies outside 0 to n' - 1 updates, as a fraction of an epoch's n'."""
    return max(_outside(*phases, examples) for phases in zip(regime.phases, large.phases, strict=True))


def _outside(small: Phase, large: Phase, examples: int) -> float:
    epoch = large.updates_per_epoch(examples)
    surplus = large.epochs * epoch - small.epochs * small.updates_per_epoch(examples)
    return max(0, -surplus, surplus - (epoch - 1)) / epoch


def _rates(regime: Regime, examples: int) -> list[float]:
    return [regime.at(update, examples).phase.learning_rate for update in range(regime.updates(examples))]

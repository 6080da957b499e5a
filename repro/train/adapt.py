"""One regime made into another: what is done to a schedule when the batch grows.

Each column of Hoffer et al. 2017, Table 1, is one of these applied to the column before, and so are the schedules of
Smith et al. 2018, Figs. 1 and 5.
"""

from __future__ import annotations

import math
from dataclasses import replace

from repro.train.regime import Phase, Regime


def with_batch(regime: Regime, batch: int) -> Regime:
    """The same regime at another batch size, nothing else adjusted (Keskar et al. 2017, section 2.2)."""
    return regime.each(lambda phase: replace(phase, batch=batch))


def with_learning_rate(regime: Regime, factor: float) -> Regime:
    """The same regime with every learning rate multiplied by `factor` (a fraction, dimensionless)."""
    return regime.each(lambda phase: _faster(phase, factor))


def scaled(regime: Regime, batch: int, power: float) -> Regime:
    """The same regime at another batch, each learning rate multiplied by a power of the batches' ratio.

    Args:
        regime: what is scaled.
        batch: B, examples per update.
        power: dimensionless; 1/2 is the rule of Hoffer et al. 2017, 1 that of Goyal et al. 2017.
    """
    return with_batch(regime.each(lambda phase: _faster(phase, (batch / phase.batch) ** power)), batch)


def warmed_up(regime: Regime, epochs: int, start: float) -> Regime:
    """The same regime whose first `epochs` epochs raise the learning rate linearly from `start` (Goyal et al. 2017).

    Raises:
        ValueError: the first phase has no more epochs than that.
    """
    first, *others = regime.phases
    if not 0 < epochs < first.epochs:
        raise ValueError(f"epochs={epochs} of warm-up must lie between 0 and the {first.epochs} of the first phase.")
    rest = replace(first, epochs=first.epochs - epochs)
    return Regime((replace(first, epochs=epochs, rising_from=start), rest, *others))


def with_ghosts(regime: Regime, ghost_size: int, *, alike: bool = False) -> Regime:
    """The same regime with BatchNorm over ghosts of `ghost_size` examples (Hoffer et al. 2017, algorithm 1).

    Args:
        regime: what is changed.
        ghost_size: examples in a ghost.
        alike: whether ghosts weigh alike, and a smaller last batch has as many, as in their code; else examples do.
    """
    return regime.each(lambda phase: replace(phase, ghost_size=ghost_size, ghosts_alike=alike))


def with_noise(regime: Regime, small: int) -> Regime:
    """The same regime with as much noise in a step as batches of `small` examples have, up to the mean gradient.

    The factors' variance is `B / small - 1` (Hoffer et al. 2017, on multiplicative noise; derived).

    Raises:
        ValueError: a batch of the regime is smaller than that.
    """
    if any(phase.batch < small for phase in regime.phases):
        raise ValueError(f"small={small} must be at most the regime's batches: noise is added, not taken away.")
    return regime.each(lambda phase: replace(phase, noise=math.sqrt(phase.batch / small - 1)))


def increased(regime: Regime, largest: int) -> Regime:
    """Where the learning rate would fall, the batch grows by the same factor (Smith et al. 2018, section 3).

    Once the batch is `largest`, the rate falls by what is left of the factor. A first phase
    of no more than that is as it was.

    Args:
        regime: one of decreasing learning rates.
        largest: B_max, examples per update, at most a tenth of the training set in the paper.
    """
    first = regime.phases[0]

    def change(phase: Phase) -> Phase:
        wanted = phase.batch * first.learning_rate / phase.learning_rate
        batch = min(round(wanted), largest)
        return replace(phase, batch=batch, learning_rate=first.learning_rate * batch / wanted)

    return regime.each(change)


def with_momentum(regime: Regime, momentum: float) -> Regime:
    """The same regime at another momentum m, with the batch that keeps `ε / (B (1 - m))` (Smith et al. 2018, 2.2)."""

    def change(phase: Phase) -> Phase:
        batch = round(phase.batch * (1 - phase.momentum) / (1 - momentum))
        return replace(phase, batch=batch, momentum=momentum)

    return regime.each(change)


def lengthened(regime: Regime, ratio: int) -> Regime:
    """Regime adaptation: the same regime with every phase `ratio` times as many epochs long (Hoffer et al. 2017)."""
    return regime.each(lambda phase: replace(phase, epochs=ratio * phase.epochs))


def as_long_as(regime: Regime, like: Regime, examples: int) -> Regime:
    """The same regime, each phase with the fewest epochs that bring it to the updates of the same phase of `like`.

    Args:
        regime: as many phases as `like`.
        like: whose updates are counted.
        examples: in the training set.

    Raises:
        ValueError: the regimes have unlike numbers of phases.
    """
    if len(regime.phases) != len(like.phases):
        raise ValueError(f"{len(regime.phases)} phases cannot be as long as {len(like.phases)}, one by one.")
    pairs = zip(regime.phases, like.phases, strict=True)
    return Regime(tuple(_as_long_as(phase, other, examples) for phase, other in pairs))


def _faster(phase: Phase, factor: float) -> Phase:
    start = None if phase.rising_from is None else factor * phase.rising_from
    return replace(phase, learning_rate=factor * phase.learning_rate, rising_from=start)


def _as_long_as(phase: Phase, like: Phase, examples: int) -> Phase:
    updates = like.epochs * like.updates_per_epoch(examples)
    return replace(phase, epochs=math.ceil(updates / phase.updates_per_epoch(examples)))

"""Regime: what the batch, the learning rate and the momentum are at any update.

A regime is a value and its questions are pure functions, so that a paper's table of training schedules reads as a list
of transformations of one regime into another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise


@dataclass(frozen=True)
class Phase:
    """Settings that hold for a whole number of epochs.

    Attributes:
        epochs: passes over the training set, at least 1.
        batch: examples per update.
        learning_rate: step size of the optimiser.
        momentum: heavy-ball coefficient; for Adam it is β₁.
        ghost_size: examples normalised together by BatchNorm, or `None` for the whole batch.
        clip: largest norm of the whole gradient, or `None`.
        rising_from: learning rate of the first update, from which it rises linearly to `learning_rate`, reached with
            the phase's last update (the gradual warm-up of Goyal et al. 2017, section 2.2); or `None`.
        noise: standard deviation of the factor, of mean 1, on each example's gradient (Hoffer et al. 2017).
        forgetful: whether momentum, and all else that an optimiser remembers, begins anew with every epoch, as in the
            code of Hoffer et al. 2017.
        ghosts_alike: whether ghosts are of one weight in the gradient each, and an epoch's smaller last batch is cut
            into as many of them, or as near to that as equal ghosts come, as in the code of Hoffer et al. 2017; else it
            is the examples that weigh alike.
    """

    epochs: int
    batch: int
    learning_rate: float
    momentum: float = 0.0
    ghost_size: int | None = None
    clip: float | None = None
    rising_from: float | None = None
    noise: float = 0.0
    forgetful: bool = False
    ghosts_alike: bool = False

    def __post_init__(self) -> None:
        _require(_is_count(self.epochs), f"epochs={self.epochs} must be a whole number, at least 1.")
        _require(_is_count(self.batch), f"batch={self.batch} must be a whole number of examples, at least 1.")
        _require(
            math.isfinite(self.learning_rate) and self.learning_rate > 0,
            f"learning_rate={self.learning_rate} must be a positive finite number.",
        )
        _require(0 <= self.momentum < 1, f"momentum={self.momentum} must lie in [0, 1).")
        _require(
            self.ghost_size is None or 2 <= self.ghost_size <= self.batch,
            f"ghost_size={self.ghost_size} must lie between 2 and the batch of {self.batch}, or be None.",
        )
        _require(self.clip is None or self.clip > 0, f"clip={self.clip} must be positive, or None.")
        _require(
            self.rising_from is None or 0 < self.rising_from <= self.learning_rate,
            f"rising_from={self.rising_from} must be positive and at most {self.learning_rate}, or None.",
        )
        _require(math.isfinite(self.noise) and self.noise >= 0, f"noise={self.noise} must be finite and at least 0.")
        _require(
            self.ghost_size is not None or not self.ghosts_alike,
            "ghosts_alike=True needs a ghost_size: without, the whole batch is normalised together.",
        )

    def at(self, update: int, examples: int) -> Phase:
        """The settings in force at an update, counted from 0 in the phase."""
        if self.rising_from is None:
            return self
        last = self.epochs * self.updates_per_epoch(examples) - 1
        done = update / last if last else 1.0
        rate = self.rising_from + done * (self.learning_rate - self.rising_from)
        return replace(self, learning_rate=rate, rising_from=None)

    def ghost_size_of(self, count: int) -> int:
        """Examples in a ghost of a batch of `count`; the last ghost has what remains."""
        if self.ghost_size is None:
            return count
        return math.ceil(count / (self.batch // self.ghost_size)) if self.ghosts_alike else self.ghost_size

    def updates_per_epoch(self, examples: int) -> int:
        """Updates in one pass over `examples`; the last batch may be smaller, and is used."""
        return math.ceil(examples / self.batch)


@dataclass(frozen=True)
class Position:
    """Where an update stands: the settings in force, its epoch (from 0) and its place in the epoch (from 0)."""

    phase: Phase
    epoch: int
    batch_index: int

    def examples(self, total: int) -> slice:
        """The places in the epoch's shuffled order of `total` examples that this update uses."""
        start = self.batch_index * self.phase.batch
        return slice(start, min(start + self.phase.batch, total))

    def ends_epoch(self, total: int) -> bool:
        """Whether this update is its epoch's last."""
        return self.batch_index + 1 == self.phase.updates_per_epoch(total)


@dataclass(frozen=True)
class Regime:
    """A training schedule as phases one after another; updates and epochs count from 0."""

    phases: tuple[Phase, ...]

    def __post_init__(self) -> None:
        _require(len(self.phases) > 0, "a regime needs at least one phase.")

    @property
    def epochs(self) -> int:
        """Passes over the training set, all phases together."""
        return sum(phase.epochs for phase in self.phases)

    def updates(self, examples: int) -> int:
        """Updates in the whole regime on a training set of `examples`."""
        return sum(phase.epochs * phase.updates_per_epoch(examples) for phase in self.phases)

    def at(self, update: int, examples: int) -> Position:
        """The position of `update` on a training set of `examples`.

        Raises:
            IndexError: `update` lies outside the regime.
        """
        epoch, left = 0, update
        for phase in self.phases:
            per_epoch = phase.updates_per_epoch(examples)
            if 0 <= left < phase.epochs * per_epoch:
                return Position(phase.at(left, examples), epoch + left // per_epoch, left % per_epoch)
            epoch, left = epoch + phase.epochs, left - phase.epochs * per_epoch
        raise IndexError(f"update={update} lies outside the regime's {self.updates(examples)} updates.")

    def each(self, change: Callable[[Phase], Phase]) -> Regime:
        """The regime whose phases are `change` of this one's."""
        return Regime(tuple(map(change, self.phases)))

    def updates_until(self, epoch: int, examples: int) -> int:
        """Updates done when `epoch` epochs are complete.

        Raises:
            IndexError: the regime is shorter than `epoch` epochs.
        """
        done, left = 0, epoch
        for phase in self.phases:
            taken = min(left, phase.epochs)
            done, left = done + taken * phase.updates_per_epoch(examples), left - taken
        if left or epoch < 0:
            raise IndexError(f"epoch={epoch} lies outside the regime's {self.epochs} epochs.")
        return done


def constant(epochs: int, batch: int, learning_rate: float, momentum: float = 0.0, clip: float | None = None) -> Regime:
    """One phase from beginning to end."""
    return Regime((Phase(epochs, batch, learning_rate, momentum, clip=clip),))


def stepped(
    epochs: int, batch: int, rates: Mapping[int, float], momentum: float = 0.0, clip: float | None = None
) -> Regime:
    """A learning rate that changes at given epochs.

    Args:
        epochs: in all; steps beyond them are left out.
        batch: examples per update.
        rates: the learning rate from each epoch on that is a key; 0 must be one.
        momentum: throughout.
        clip: largest norm of the gradient, throughout.
    """
    _require(0 in rates, f"rates={dict(rates)} must say the learning rate from epoch 0 on.")
    borders = [*sorted(start for start in rates if start < epochs), epochs]
    return Regime(
        tuple(Phase(end - start, batch, rates[start], momentum, clip=clip) for start, end in pairwise(borders))
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 1


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)

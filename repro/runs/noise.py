"""The noise of gradients along a run: an observation that any run can carry, and that changes nothing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.noise import squared_norms
from repro.nets.distance import log_grid
from repro.streams import stream
from repro.train.loop import Row, Training
from repro.train.objectives import CrossEntropy
from repro.train.regime import Regime


@dataclass(frozen=True, order=True)
class NoiseProbe:
    """Extra gradients at the run's own weights, of examples drawn anew (McCandlish et al. 2018, appendix A).

    Examples are drawn with replacement from a stream named by the run's seed and the update, augmented as in training.
    The gradient is that of the cross-entropy, without weight decay or clipping, in float32.
    Few large looks tell more than many small ones: the error of `|G|²` falls with the examples of a look, but with the
    root of their number.

    Attributes:
        batch: examples of a small batch, which BatchNorm normalises together; in a run with ghosts, their size.
        batches: small batches at each look; together they are the large batch.
        epochs: after which it looks, rising; and before the first of them after 1, 10, 100, ... updates.
    """

    batch: int
    batches: int
    epochs: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.epochs or list(self.epochs) != sorted(set(self.epochs)):
            raise ValueError(f"epochs={self.epochs} must rise, and name at least one.")

    def updates(self, regime: Regime, examples: int) -> list[int]:
        """After which updates of a run it looks, rising."""
        ends = [regime.updates_until(epoch, examples) for epoch in self.epochs]
        return [*log_grid(ends[0], 1), *ends[1:]]

    def cost(self, regime: Regime, examples: int) -> int:
        """Gradients of single examples that a whole run takes for it."""
        return len(self.updates(regime, examples)) * self.batch * self.batches

    def row(self, training: Training) -> Row:
        """Both squared lengths at the weights as they are, which stay as they are.

        Raises:
            UsageError: the run minimises something else than a cross-entropy.
        """
        if type(training.spec.objective) is not CrossEntropy:
            raise UsageError(
                f"objective={training.spec.objective}: a noise probe needs the cross-entropy; leave it out."
            )
        norms = squared_norms(training.model, self._batches(training))
        return {**self._marks, "update": training.update, **norms._asdict()}

    def rows(self, recorded: Collection[Row]) -> list[Row]:
        """Those of a run's recorded rows that are this probe's."""
        return [row for row in recorded if self._marks.items() <= row.items()]

    def missing(self, recorded: Collection[Row], regime: Regime, examples: int) -> bool:
        """Whether it did not look somewhere on the way to the last update of which a run's rows tell."""
        reached = max((row["update"] for row in recorded if row["kind"] != "noise"), default=0)
        due = {update for update in self.updates(regime, examples) if update <= reached}
        return not due <= {row["update"] for row in self.rows(recorded)}

    @property
    def _marks(self) -> Row:
        return {"kind": "noise", "batch": self.batch, "batches": self.batches, "epochs": list(self.epochs)}

    def _batches(self, training: Training) -> Iterator[tuple[Tensor, Tensor]]:
        generator = stream(training.spec.seed, "noise scale", training.update)
        for _ in range(self.batches):
            places = torch.randint(training.examples, (self.batch,), generator=generator)
            yield training.prepared(places, generator)

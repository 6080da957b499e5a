"""The loss around the weights that a run began from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from repro.measure import random_potential
from repro.runs.store import RunStore
from repro.studies.network import OfOneRun, objective_at


@dataclass(frozen=True)
class PotentialAtStart(OfOneRun):
    """How the spread of the training loss grows with the distance from a run's initial weights.

    BatchNorm uses the statistics of fixed chunks, as in training: at initial weights there are no others.

    Attributes:
        distances: from the initial weights, in their unit.
        rays: random directions.
        measured: examples of the training set, evenly spaced; 0 is all.
    """

    distances: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
    rays: int = 20
    measured: int = 0

    @property
    def gradients(self) -> float:
        """Cost in gradients: a pass forward for each point."""
        return len(self.distances) * self.rays / 3

    def measure(self, store: RunStore) -> dict[str, Any]:
        """The fields of `repro.measure.RandomPotential`."""
        objective = objective_at(store, self.spec, 0, "batch", self.measured)
        return asdict(random_potential(objective, objective.start, self.distances, rays=self.rays, seed=self.spec.seed))

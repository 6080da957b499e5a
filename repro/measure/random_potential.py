"""The loss around a point as a random potential: its spread against the distance (Hoffer et al. 2017, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.objective import Objective
from repro.streams import stream


@dataclass(frozen=True)
class RandomPotential:
    """The loss on random rays from a point.

    Attributes:
        distances: from the point, in the weights' unit.
        deviations: at each distance the standard deviation of the loss over the rays, in nats.
        alpha: twice the slope of log deviation on log distance: `E (L(w₁) - L(w₂))² ∝ ‖w₁ - w₂‖^α`.
        cost: passes forward, in gradients.
    """

    distances: tuple[float, ...]
    deviations: tuple[float, ...]
    alpha: float
    cost: float


def random_potential(
    objective: Objective, x: Tensor, distances: Sequence[float], *, rays: int = 20, seed: int = 0
) -> RandomPotential:
    """The spread of f over points at each distance from x, in directions drawn evenly from the sphere.

    Args:
        objective: f.
        x: where the rays begin, shape `(p,)`.
        distances: at least two, positive.
        rays: at least two; the same for every distance.
        seed: of the directions.

    Raises:
        UsageError: fewer than two distances or rays, or a distance that is not positive; or f is the
            same on all rays.
    """
    if rays < 2 or len(set(distances)) < 2 or min(distances) <= 0:
        raise UsageError(f"rays={rays} and distances={list(distances)} must be at least two each, distances positive.")
    directions = (torch.randn(len(x), generator=stream(seed, "ray", ray), dtype=torch.float64) for ray in range(rays))
    losses = torch.tensor(
        [[objective.value(x.double() + r * d / d.norm()) for r in distances] for d in directions], dtype=torch.float64
    )
    deviations = losses.std(0).tolist()
    if not min(deviations) > 0:
        raise UsageError(f"deviations={deviations} must be positive: f does not differ on these rays.")
    slope = np.polyfit([log(r) for r in distances], [log(sd) for sd in deviations], 1)[0]
    return RandomPotential(tuple(distances), tuple(deviations), 2 * float(slope), losses.numel() / 3)

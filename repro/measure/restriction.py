"""An objective in which only some coordinates may move: what share of the sharpness do a few directions carry?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from repro.measure.explore import Sketched
from repro.measure.objective import Objective


@dataclass(frozen=True)
class Restriction:
    """`u -> f(x with x[index] = u)`, itself an `Objective` (Keskar et al. 2017, section 2.2.2, "5 % of the space").

    Attributes:
        whole: the function f of p variables.
        point: x, shape `(p,)`.
        index: the coordinates that may move, int64, shape `(k,)`, no repetitions.
    """

    whole: Objective
    point: Tensor
    index: Tensor

    @property
    def size(self) -> int:
        """k, the number of coordinates that may move."""
        return len(self.index)

    @property
    def dtype(self) -> torch.dtype:
        """The precision to which a point is rounded before it is evaluated."""
        return self.whole.dtype

    @property
    def start(self) -> Tensor:
        """Where those coordinates of x stand, float64, shape `(k,)`."""
        return self.point.double()[self.index]

    def value(self, point: Tensor) -> float:
        """f with the coordinates at `point`, shape `(k,)`."""
        return self.whole.value(self._embedded(point))

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        """f and its derivatives by the coordinates that may move, float64 `(k,)`."""
        value, gradient = self.whole.value_and_grad(self._embedded(point))
        return value, gradient[self.index]

    def hvp(self, point: Tensor, vector: Tensor) -> Tensor:
        """The Hessian's block of those coordinates times `vector`: float64 `(k,)`."""
        direction = torch.zeros(self.whole.size, dtype=torch.float64)
        direction[self.index] = vector.double()
        return self.whole.hvp(self._embedded(point), direction)[self.index]

    def sketch(self) -> tuple[Objective, float] | None:
        """The cheaper version of f with the same coordinates free, if f has one."""
        cheaper = self.whole.sketch() if isinstance(self.whole, Sketched) else None
        return cheaper and (Restriction(cheaper[0], self.point, self.index), cheaper[1])

    def _embedded(self, point: Tensor) -> Tensor:
        moved = self.point.double().clone()
        moved[self.index] = point.double()
        return moved

"""A curvature matrix of an objective at one point, known only by its products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator
from torch import Tensor

from repro.errors import DataError, UsageError
from repro.measure.curvature.chunk import Matrix
from repro.measure.curvature.products import GRAPH_MEMORY
from repro.measure.objective import Objective, checked_point
from repro.streams import stream_seed


@runtime_checkable
class Prepared(Protocol):
    """An objective that can prepare many products at one point."""

    def products(self, point: Tensor, *, matrix: Matrix, memory: float) -> Callable[[Tensor], Tensor]:
        """`v -> Mv` at `point`, both of shape `(p,)`, with `memory` bytes to keep what is used again."""
        ...


class CurvatureOperator(LinearOperator):
    """The Hessian of an objective at x, or its Gauss-Newton part, as a symmetric linear operator of shape `(p, p)`.

    SciPy's solvers take it as it is; `product` is the same for torch vectors. Every product is counted.

    Args:
        objective: f.
        x: where, shape `(p,)`.
        matrix: `hessian`, or `ggn`, which only an objective of logits has.
        memory: bytes of graphs that may be kept between products.

    Raises:
        UsageError: x does not fit the objective or is not finite, or the objective has no such matrix.
        DataError: f gives two values at one point (dropout, or data that move), so that its Hessian means nothing.
    """

    def __init__(
        self, objective: Objective, x: Tensor, *, matrix: Matrix = "hessian", memory: float = GRAPH_MEMORY
    ) -> None:
        super().__init__(dtype=np.float64, shape=(objective.size, objective.size))  # type: ignore[call-arg]
        x = checked_point(objective, x).clone()
        _check_repeats(objective, x)
        self.objective = objective
        self.count = 0
        self._multiply = _products(objective, x, matrix, memory)

    @property
    def size(self) -> int:
        """p, the number of variables."""
        return self.objective.size

    def product(self, vector: Tensor) -> Tensor:
        """The matrix times `vector`, shape `(p,)`: float64 `(p,)`."""
        self.count += 1
        return self._multiply(vector)

    def _matvec(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.product(torch.from_numpy(np.array(x, dtype=np.float64).ravel())).numpy()
        return found

    def _adjoint(self) -> Any:
        return self


def dense(operator: CurvatureOperator) -> Tensor:
    """The whole matrix, float64 `(p, p)`, by p products: for a few thousand variables at most."""
    return torch.stack([operator.product(unit) for unit in torch.eye(operator.size, dtype=torch.float64)])


def _products(objective: Objective, x: Tensor, matrix: Matrix, memory: float) -> Callable[[Tensor], Tensor]:
    if isinstance(objective, Prepared):
        return objective.products(x, matrix=matrix, memory=memory)
    if matrix != "hessian":
        raise UsageError(f"matrix={matrix!r} needs an objective of logits, such as NetworkObjective; take 'hessian'.")
    return lambda vector: objective.hvp(x, vector)


def finite_loss(objective: Objective, x: Tensor) -> float:
    """f(x), in the objective's unit.

    Raises:
        DataError: it is not finite, so there is no Hessian.
    """
    loss = objective.value(x)
    if not isfinite(loss):
        raise DataError(f"the loss at x is {loss!r}; a Hessian needs a finite one: look for NaN in weights and inputs.")
    return loss


def _check_repeats(objective: Objective, x: Tensor) -> None:
    first = finite_loss(objective, x)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(stream_seed(0, "second pass"))  # noqa: TID251 - given back; the same dropout would agree
        second = objective.value(x)
    if first != second:
        raise DataError(
            f"two passes over the data gave the losses {first!r} and {second!r}; take what is random out of the model."
        )

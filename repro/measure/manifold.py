"""The p-dimensional manifold x + Az on which sharpness may be searched for (Keskar et al. 2017, Metric 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.box import Box, check_eps
from repro.measure.objective import Objective

BLOCK = 1024
"""Rows worked on at a time, so that their float64 copy stays in the cache."""

Distribution = Literal["normal", "uniform", "unit-columns"]


@dataclass(frozen=True, eq=False)
class Manifold:
    """The matrix A; products accumulate in float64 whatever A is stored in.

    Attributes:
        matrix: A, float32 or float64, shape `(n, p)`.

    Raises:
        UsageError: A is not a matrix of finite floats.
    """

    matrix: Tensor

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or not self.matrix.is_floating_point() or not self.matrix.isfinite().all():
            raise UsageError(
                f"matrix of shape {tuple(self.matrix.shape)}, {self.matrix.dtype}, must be finite floats, shape (n, p)."
            )

    @property
    def size(self) -> int:
        """n, the number of parameters."""
        return self.matrix.shape[0]

    @property
    def columns(self) -> int:
        """p, the manifold's dimension."""
        return self.matrix.shape[1]

    def displacement(self, z: Tensor) -> Tensor:
        """`A z`, float64, shape `(n,)`, for z of shape `(p,)`."""
        return torch.cat([block @ z.double() for _, block in self._blocks()])

    def pulled_back(self, gradient: Tensor) -> Tensor:
        """`Aᵀ g`, float64, shape `(p,)`, for g of shape `(n,)`."""
        total = torch.zeros(self.columns, dtype=torch.float64)
        for rows, block in self._blocks():
            total += block.T @ gradient[rows].double()
        return total

    def coordinates(self, x: Tensor) -> Tensor:
        """`A⁺ x`, float64, shape `(p,)`: normal equations, and a second round for what the first left over."""
        first = self._inverse_gram @ self.pulled_back(x)
        return first + self._inverse_gram @ self.pulled_back(x.double() - self.displacement(first))

    @cached_property
    def _inverse_gram(self) -> Tensor:
        gram = torch.zeros(self.columns, self.columns, dtype=torch.float64)
        for _, block in self._blocks():
            gram += block.T @ block
        inverse: Tensor = torch.linalg.pinv(gram, hermitian=True)
        return inverse

    def _blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Rows in float64, each block in the memory of the one before."""
        memory = torch.empty(BLOCK, self.columns, dtype=torch.float64)
        for rows in _row_blocks(self.size):
            yield rows, memory[: rows.stop - rows.start].copy_(self.matrix[rows])


def random_manifold(
    size: int,
    columns: int,
    generator: torch.Generator,
    *,
    entries: Distribution = "normal",
    scale: float = 1.0,
) -> Manifold:
    """A random A, stored in float32.

    The paper says no more than "columns randomly generated". The scale matters: A times c turns the "+1" of the box
    into "+c". So `normal`, which the ratios of the paper's Tables 3 and 4 suggest, is a choice.

    Args:
        size: n, the number of parameters.
        columns: p; the paper uses 100.
        generator: draws A, block by block of rows.
        entries: `normal`, N(0, 1); `uniform` on [-1, 1]; or `unit-columns`, normal columns divided by their length.
        scale: factor of A, positive, dimensionless.

    Raises:
        UsageError: not 1 <= p <= n, a scale not positive, or unknown entries.
    """
    if entries not in ("normal", "uniform", "unit-columns"):
        raise UsageError(f"entries={entries!r} must be 'normal', 'uniform' or 'unit-columns'.")
    if not 1 <= columns <= size:
        raise UsageError(f"columns={columns} must be from 1 to {size}, the number of parameters; the paper uses 100.")
    if not 0 < scale < float("inf"):
        raise UsageError(f"scale={scale} must be positive and finite; the paper's is thought to be 1.")
    matrix = torch.empty(size, columns)
    for rows in _row_blocks(size):
        if entries == "uniform":
            matrix[rows].uniform_(-1, 1, generator=generator)
        else:
            matrix[rows].normal_(generator=generator)
    if entries == "unit-columns":
        matrix /= _lengths(matrix)
    return Manifold(matrix.mul_(scale))


def manifold_box(manifold: Manifold, x: Tensor, eps: float) -> Box:
    """`|zᵢ| ≤ ε(|(A⁺x)ᵢ| + 1)` (Keskar et al. 2017, eq. 3).

    Args:
        manifold: A.
        x: the minimiser, shape `(n,)`.
        eps: size ε of the box, dimensionless.

    Raises:
        UsageError: ε is not positive and finite.
    """
    check_eps(eps)
    radius = eps * (manifold.coordinates(x).abs() + 1)
    return Box(-radius, radius)


@dataclass(frozen=True, eq=False)
class OnManifold:
    """`z -> f(x + Az)`, itself an `Objective`; without a sketch, for the products with A would cost as much as before.

    Attributes:
        whole: f, of n variables.
        x: the minimiser, shape `(n,)`.
        manifold: A.

    Raises:
        UsageError: the sizes differ.
    """

    whole: Objective
    x: Tensor
    manifold: Manifold

    def __post_init__(self) -> None:
        if not self.whole.size == self.manifold.size == len(self.x):
            raise UsageError(
                f"A has {self.manifold.size} rows and x {len(self.x)} entries; both must be {self.whole.size}, the "
                "number of the objective's variables."
            )

    @property
    def size(self) -> int:
        """p, the manifold's dimension."""
        return self.manifold.columns

    @property
    def dtype(self) -> torch.dtype:
        """z is not rounded; x + Az is, to the precision of f."""
        return torch.float64

    def point(self, z: Tensor) -> Tensor:
        """`x + Az`, float64, shape `(n,)`, for z of shape `(p,)`."""
        return self.x.double() + self.manifold.displacement(z)

    def value(self, point: Tensor) -> float:
        """f at z = `point`, shape `(p,)`."""
        return self.whole.value(self.point(point))

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        """f at z = `point`, and `Aᵀg`, float64, both of shape `(p,)`."""
        value, gradient = self.whole.value_and_grad(self.point(point))
        return value, self.manifold.pulled_back(gradient)

    def hvp(self, point: Tensor, vector: Tensor) -> Tensor:
        """`AᵀHA v` at z = `point`, both of shape `(p,)`: float64 `(p,)`."""
        direction = self.manifold.displacement(vector)
        return self.manifold.pulled_back(self.whole.hvp(self.point(point), direction))


def _lengths(matrix: Tensor) -> Tensor:
    """Euclidean lengths of the columns, summed in float64."""
    squares = [matrix[rows].double().square().sum(0) for rows in _row_blocks(len(matrix))]
    return torch.stack(squares).sum(0).sqrt()


def _row_blocks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))

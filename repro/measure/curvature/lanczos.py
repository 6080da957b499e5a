"""The Lanczos recursion with full reorthogonalisation: one kernel for eigenpairs and for spectral densities."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import torch
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

from repro.errors import DataError

Product = Callable[[Tensor], Tensor]
"""A symmetric matrix times a vector, float64, shape `(p,)`."""

TWICE = 0.7
"""A vector that loses more than this fraction of its length to orthogonalisation is orthogonalised again."""
BREAKDOWN = 1e-10
"""A remainder below this fraction of the matrix's scale is rounding: the basis spans an invariant subspace."""


class Lanczos:
    """`A Qᵀ = Qᵀ T + β q eᵀ`, grown by one row of Q a step; T is tridiagonal, the rows of Q are orthonormal.

    Sums over the p entries are float64: in float32 they move every eigenvalue by 1e-4 at ten million entries.

    Args:
        product: A.
        start: the first row of Q, shape `(p,)`, not zero; it is made orthogonal to `against`, and of length 1.
        against: orthonormal rows that the basis stays orthogonal to, shape `(k, p)`.
        generator: draws a new direction where the basis spans an invariant subspace.
    """

    def __init__(
        self, product: Product, start: Tensor, generator: torch.Generator, against: Tensor | None = None
    ) -> None:
        self._product, self._generator = product, generator
        size = len(start)
        self._against = torch.zeros(0, size, dtype=torch.float64) if against is None else against.double()
        self._rows = torch.empty(8, size, dtype=torch.float64)
        self.alphas: list[float] = []
        self.betas: list[float] = []
        self._next: Tensor | None = self._unit(start.double())

    @property
    def steps(self) -> int:
        """Products done, rows of Q."""
        return len(self.alphas)

    @property
    def basis(self) -> Tensor:
        """Q, float64, shape `(steps, p)`."""
        return self._rows[: self.steps]

    @property
    def exhausted(self) -> bool:
        """Whether the basis spans all of the space that `against` leaves."""
        return self._next is None

    def step(self) -> None:
        """Multiply once more.

        Raises:
            DataError: the product is not finite.
        """
        assert self._next is not None
        k, row = self.steps, self._next
        self._store(row)
        remainder = self._product(row).double()
        self.alphas.append(float(row @ remainder))
        if not isfinite(self.alphas[-1]):
            raise DataError("a product with the matrix is not finite, as where a loss has no second derivative.")
        remainder = remainder - self.alphas[-1] * row
        if k:
            remainder -= self.betas[-1] * self._rows[k - 1]
        remainder = self._orthogonal(remainder)
        length = float(remainder.norm())
        goes_on = not self._full and length > BREAKDOWN * max(map(abs, [*self.alphas, *self.betas]))
        self.betas.append(length if goes_on else 0.0)
        self._next = remainder / length if goes_on else self._unit(_normal(len(row), self._generator))

    def ritz(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues of T, ascending, shape `(steps,)`, and its eigenvectors as columns, both float64."""
        values, vectors = eigh_tridiagonal(self.alphas, self.betas[:-1])
        return torch.from_numpy(values), torch.from_numpy(vectors)

    def _store(self, row: Tensor) -> None:
        if self.steps == len(self._rows):
            grown = torch.empty(2 * self.steps, len(row), dtype=torch.float64)
            grown[: self.steps] = self._rows
            self._rows = grown
        self._rows[self.steps] = row

    def _unit(self, vector: Tensor) -> Tensor | None:
        """`vector` made orthogonal to all rows and of length 1; `None` if no direction is left."""
        if self._full:
            return None
        remainder = self._orthogonal(vector)
        return torch.div(remainder, remainder.norm())

    @property
    def _full(self) -> bool:
        return self.steps + len(self._against) >= self._rows.shape[1]

    def _orthogonal(self, vector: Tensor) -> Tensor:
        length = float(vector.norm())
        while True:
            for rows in (self._against, self.basis):
                vector = vector - rows.T @ (rows @ vector)
            before, length = length, float(vector.norm())
            if length > TWICE * before or length == 0.0:
                return vector


def _normal(size: int, generator: torch.Generator) -> Tensor:
    return torch.randn(size, generator=generator, dtype=torch.float64)

"""The objective whose every property is known: measurements are tested on it before they meet a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from repro.errors import UsageError

ROUNDING = 1e-6
"""Asymmetry of a Hessian that passes for rounding, as a fraction of its largest entry."""


@dataclass(frozen=True, eq=False)
class Quadratic:
    """`f(y) = c + g·y + ½ yᵀHy`, in float64.

    Attributes:
        gradient: g, shape `(p,)`.
        hessian: H, shape `(p,)` for a diagonal or `(p, p)`, symmetric but for rounding, which is taken out.
        constant: c.

    Raises:
        UsageError: shapes do not fit, or H is not symmetric.
    """

    gradient: Tensor
    hessian: Tensor
    constant: float = 0.0

    def __post_init__(self) -> None:
        g, H = self.gradient.double(), self.hessian.double()
        if g.ndim != 1 or H.shape not in (g.shape, g.shape * 2):
            raise UsageError(
                f"gradient {tuple(g.shape)} and hessian {tuple(H.shape)} must be (p,), and (p,) or (p, p)."
            )
        if H.ndim == 2:
            if not torch.allclose(H, H.T, rtol=0.0, atol=ROUNDING * float(H.abs().max())):
                raise UsageError("hessian must be symmetric; pass (H + H.T) / 2.")
            H = (H + H.T) / 2  # a product such as A Aᵀ is symmetric but for rounding
        object.__setattr__(self, "gradient", g)
        object.__setattr__(self, "hessian", H)

    @classmethod
    def with_spectrum(cls, values: Tensor, generator: torch.Generator) -> Quadratic:
        """`½ yᵀHy`, H with these eigenvalues, shape `(p,)`, in random directions that `generator` draws."""
        q, _ = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64))
        matrix = q @ torch.diag(values.double()) @ q.T
        return cls(torch.zeros(len(values)), (matrix + matrix.T) / 2)

    @property
    def size(self) -> int:
        """p, the number of variables."""
        return self.gradient.numel()

    @property
    def dtype(self) -> torch.dtype:
        """Points are evaluated in float64."""
        return torch.float64

    def value(self, point: Tensor) -> float:
        """`f` at `point`, shape `(p,)`."""
        return self.value_and_grad(point)[0]

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        """`f` and `g + Hy` at `point`, shape `(p,)`."""
        y = point.double()
        Hy = self.hvp(y, y)
        return float(self.constant + self.gradient @ y + 0.5 * (y @ Hy)), self.gradient + Hy

    def hvp(self, point: Tensor, vector: Tensor) -> Tensor:  # noqa: ARG002 (the Hessian is the same everywhere)
        """`H v` for `vector` of shape `(p,)`."""
        v = vector.double()
        return self.hessian @ v if self.hessian.ndim == 2 else self.hessian * v

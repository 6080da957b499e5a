"""The density of a spectrum by stochastic Lanczos quadrature; known eigenpairs stand apart as outliers.

Ghorbani et al. 2019, section 2, with the top eigenpairs deflated: for a random unit vector, m Lanczos steps give the
nodes and weights of a quadrature that has the first 2m moments of the density exactly, in expectation over the vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.curvature.eigenpairs import Eigenpairs
from repro.measure.curvature.lanczos import Lanczos
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.curvature.trace import known_rows, rademacher
from repro.streams import stream


class Estimate(NamedTuple):
    """A mean over probes with its standard error; NaN for one probe."""

    value: float
    error: float


@dataclass(frozen=True)
class Density:
    """A spectrum of p eigenvalues: a few known ones, and for each probe a quadrature of all others.

    Attributes:
        size: p.
        outliers: the known eigenvalues, each of weight 1/p, shape `(k,)`.
        nodes: for each probe, ascending, shape `(steps,)`.
        weights: for each probe, of every node, shape `(steps,)`; they add up to `1 - k/p`.
        products: with the operator.
    """

    size: int
    outliers: Tensor
    nodes: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    products: int

    def mean(self, function: Callable[[Tensor], Tensor]) -> Estimate:
        """The mean of `function` over all p eigenvalues; it takes and gives shape `(n,)`, float64."""
        mean, error = self._over_probes(function)
        return Estimate(mean.item(), error.item())

    def moment(self, order: int) -> Estimate:
        """`1/p Σ λᵢ` to the power `order`."""
        return self.mean(lambda values: values**order)

    def fraction_near_zero(self, within: float) -> Estimate:
        """The fraction of eigenvalues of magnitude at most `within`, in the unit of the loss."""
        return self.mean(lambda values: (values.abs() <= within).double())

    def count_above(self, threshold: float) -> Estimate:
        """How many of the p eigenvalues exceed `threshold`."""
        fraction = self.mean(lambda values: (values > threshold).double())
        return Estimate(self.size * fraction.value, self.size * fraction.error)

    def curve(
        self, at: Tensor, width: float, along: Callable[[Tensor], Tensor] = lambda values: values
    ) -> tuple[Tensor, Tensor]:
        """The density smoothed by a Gaussian of standard deviation `width`, at the places `at`, shape `(n,)`.

        Args:
            at: places on the axis.
            width: along it.
            along: where an eigenvalue stands on the axis; by default at itself.

        Returns:
            Mean over probes and standard error (NaN for one probe), both of shape `(n,)`, per unit of the axis.
        """
        if not width > 0:
            raise UsageError(f"width={width} must be positive; take a hundredth of the largest eigenvalue.")

        def bumps(values: Tensor) -> Tensor:
            return torch.exp(-(((at[:, None] - along(values)) / width) ** 2) / 2) / (width * sqrt(2 * torch.pi))

        return self._over_probes(bumps)

    def _over_probes(self, function: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Mean and standard error of the spectrum's mean of `function`, which gives shape `(..., n)` for `(n,)`."""
        known = function(self.outliers).sum(-1) / self.size
        pairs = zip(self.nodes, self.weights, strict=True)
        each = torch.stack([known + function(nodes).double() @ weights for nodes, weights in pairs])
        spread = each.std(0) if len(each) > 1 else torch.full_like(each[0], torch.nan)
        return each.mean(0), spread / sqrt(len(each))


def density(
    operator: CurvatureOperator,
    *,
    probes: int = 2,
    steps: int = 40,
    pairs: Eigenpairs | None = None,
    seed: int = 0,
) -> Density:
    """Lanczos quadratures from random probes, orthogonal to the eigenpairs known; empty where these are all.

    Taking out the top ten pairs costs some products and makes the same accuracy several times cheaper.

    Args:
        operator: symmetric, p variables.
        probes: random sign vectors, each a quadrature; two at least give error bars.
        steps: of Lanczos for each, fewer where the space is smaller.
        pairs: eigenpairs that become outliers.
        seed: of the probes.

    Raises:
        UsageError: no probes or no steps.
    """
    known = known_rows(operator, pairs)
    outliers = torch.zeros(0, dtype=torch.float64) if pairs is None else pairs.values
    if probes < 1 or steps < 1:
        raise UsageError(f"probes={probes} and steps={steps} must both be at least 1.")
    before = operator.count
    rules = [_quadrature(operator, known, steps, seed, probe) for probe in range(probes)]
    nodes, weights = zip(*rules, strict=True)
    return Density(operator.size, outliers, nodes, weights, operator.count - before)


def _quadrature(operator: CurvatureOperator, known: Tensor, steps: int, seed: int, probe: int) -> tuple[Tensor, Tensor]:
    if len(known) == operator.size:
        return torch.zeros(0, dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    z = rademacher(operator.size, seed, probe)
    run = Lanczos(operator.product, z, stream(seed, "density", "restarts", probe), known)
    while run.steps < steps and not run.exhausted:
        run.step()
        if run.betas[-1] == 0.0:
            break  # the probe's Krylov space is used up: the quadrature is exact for it
    nodes, vectors = run.ritz()
    return nodes, vectors[0].square() * (1 - len(known) / operator.size)

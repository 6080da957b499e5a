"""The trace of a curvature matrix, by random probes; what a few eigenpairs explain is taken out first."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.curvature.eigenpairs import Eigenpairs
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.measurement import Measurement, Status
from repro.streams import stream


@dataclass(frozen=True, kw_only=True)
class Trace(Measurement):
    """The sum of all eigenvalues, in the unit of the loss; `residual` is one standard error, 0 if it is exact.

    Attributes:
        method: `exact` or `hutchinson`.
        probes: random vectors used.
        deflated: eigenpairs taken out before.
    """

    method: str
    probes: int = 0
    deflated: int = 0


def hutchinson_trace(
    operator: CurvatureOperator, *, probes: int = 100, pairs: Eigenpairs | None = None, seed: int = 0
) -> Trace:
    """`Σ λᵢ + E[zᵀPAPz]`, z random signs and P the projection away from the pairs known (Hutchinson 1990).

    Without pairs one probe of a network's Hessian is off by a third. Unbiased for pairs found with other randomness.

    Args:
        operator: A, symmetric, p variables.
        probes: at least 2, so that there is a standard error.
        pairs: eigenpairs to take out.
        seed: of the probes.

    Raises:
        UsageError: fewer than two probes.
    """
    if probes < 2:
        raise UsageError(f"probes={probes} must be at least 2; one probe has no standard error.")
    before = operator.count
    known = known_rows(operator, pairs)
    samples = torch.tensor([_sample(operator, known, seed, probe) for probe in range(probes)], dtype=torch.float64)
    explained = sum(float(v @ operator.product(v)) for v in known)
    value = explained + samples.mean().item()
    return Trace(
        value=value,
        status=Status.ESTIMATED if torch.isfinite(samples).all() else Status.FAILED,
        cost=3.0 * (operator.count - before),
        residual=samples.std().item() / sqrt(probes),
        method="hutchinson",
        probes=probes,
        deflated=len(known),
    )


def known_rows(operator: CurvatureOperator, pairs: Eigenpairs | None) -> Tensor:
    """The vectors of the pairs, shape `(k, p)`; no rows where there are no pairs."""
    return torch.zeros(0, operator.size, dtype=torch.float64) if pairs is None else pairs.vectors


def rademacher(size: int, seed: int, probe: int) -> Tensor:
    """Random signs of probe number `probe`, float64, shape `(size,)`."""
    return torch.randint(0, 2, (size,), generator=stream(seed, "probe", probe)).double() * 2 - 1


def _sample(operator: CurvatureOperator, known: Tensor, seed: int, probe: int) -> float:
    z = rademacher(operator.size, seed, probe)
    z -= known.T @ (known @ z)
    return float(z @ operator.product(z))

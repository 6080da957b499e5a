"""The largest or smallest eigenvalues of a symmetric operator, each with what is needed to distrust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from torch import Tensor

from repro.errors import UsageError
from repro.measure.curvature.lanczos import Lanczos
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.measurement import Status
from repro.streams import stream

End = Literal["largest", "smallest"]
Solver = Literal["lanczos", "eigsh"]

CONFIRMING = 3
"""Products more through which `lanczos` must find the same values again where the tolerance is loose: an eigenvector
that the start vector hardly touches comes up late, and meanwhile the next eigenvalue stands in the place of its own."""
LOOSE = 1e-5
"""Tolerances above it are; below it, what the start vector hides has come up by the time the others have converged."""


@dataclass(frozen=True)
class Eigenpairs:
    """k eigenvalues from one end of the spectrum (algebraic, not by magnitude), the outermost first.

    Attributes:
        values: float64, shape `(k,)`, in the unit of the loss.
        vectors: of length 1, one a row, float64, shape `(k, p)`.
        residuals: `‖Hv - λv‖`, shape `(k,)`: an eigenvalue lies within this distance of each value.
        errors: by how much each value may be off, shape `(k,)`: by `lanczos` `min(r, r²/gap)`, the gap to the nearest
            other value found (Kato and Temple). It says that an eigenvalue is near, not that none was missed: see
            `CONFIRMING`.
        converged: for each, whether its error is below the tolerance; bool, shape `(k,)`.
        status: CONVERGED if all are, else BUDGET.
        products: with the operator.
        solver: which.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    errors: Tensor
    converged: Tensor
    status: Status
    products: int
    solver: Solver


def eigenpairs(
    operator: CurvatureOperator,
    k: int = 1,
    *,
    end: End = "largest",
    tol: float = 1e-6,
    steps: int = 200,
    seed: int = 0,
    solver: Solver = "lanczos",
) -> Eigenpairs:
    """The k largest or smallest eigenvalues and their eigenvectors.

    Args:
        operator: symmetric.
        k: how many, from 1 to p - 1 (p for `lanczos`).
        end: of the spectrum, on the number line: an eigenvalue of -5 is smaller than one of 1.
        tol: error of each value that will do, as a fraction of the largest magnitude of an eigenvalue known.
        steps: products at most.
        seed: of the start vector.
        solver: `lanczos` with full reorthogonalisation, or SciPy's `eigsh`, which takes more products.

    Raises:
        UsageError: k, tol or steps have no meaning, or the solver is unknown.
    """
    _check(operator, k, tol, steps, end, solver)
    before = operator.count
    solve = _by_lanczos if solver == "lanczos" else _by_eigsh
    found = solve(operator, k, 1 if end == "largest" else -1, tol, steps, seed)
    converged = found.errors <= tol * found.scale
    status = Status.CONVERGED if len(converged) == k and bool(converged.all()) else Status.BUDGET
    products = operator.count - before
    return Eigenpairs(found.values, found.vectors, found.residuals, found.errors, converged, status, products, solver)


def check_tol(tol: float) -> None:
    """Raise `UsageError` unless the tolerance is a fraction."""
    if not 0 < tol < 1:
        raise UsageError(f"tol={tol} must lie between 0 and 1, for it is a fraction; take 1e-6.")


class _Found(NamedTuple):
    """What a solver gives; `scale` is the largest magnitude of an eigenvalue it knows of."""

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    errors: Tensor
    scale: float


def _by_lanczos(operator: CurvatureOperator, k: int, sign: int, tol: float, steps: int, seed: int) -> _Found:
    run = Lanczos(operator.product, _start(operator, seed), stream(seed, "lanczos", "restarts"))
    wanted = 1 + (CONFIRMING if tol > LOOSE else 0)
    times, before = 0, torch.empty(0)
    while True:
        run.step()
        values, vectors = run.ritz()
        chosen = torch.argsort(sign * values, descending=True)[:k]
        residuals = run.betas[-1] * vectors[-1, chosen].abs()
        errors = torch.minimum(residuals, residuals.square() / _gaps(values)[chosen])
        scale = float(values.abs().max())
        same = len(before) == k and bool(((values[chosen] - before).abs() <= tol * scale).all())
        found = len(chosen) == k and bool((errors <= tol * scale).all())
        times, before = (times * same + 1) * found, values[chosen]
        if times == wanted or run.exhausted or run.steps >= steps:
            return _Found(values[chosen], vectors[:, chosen].T @ run.basis, residuals, errors, scale)


def _by_eigsh(operator: CurvatureOperator, k: int, sign: int, tol: float, steps: int, seed: int) -> _Found:
    """Its gaps are not known, so the errors are the residuals."""
    width = min(operator.size, max(2 * k + 1, 20))
    rounds = max(1, (steps - width) // (width - k))
    matrix: Any = operator
    which: Literal["LA", "SA"] = "LA" if sign > 0 else "SA"
    try:
        found = eigsh(matrix, k, which=which, v0=_start(operator, seed).numpy(), tol=tol, maxiter=rounds)
    except ArpackNoConvergence as partial:
        found = (partial.eigenvalues, partial.eigenvectors)
    values, vectors = (torch.from_numpy(np.ascontiguousarray(part)) for part in (found[0], found[1].T))
    order = torch.argsort(sign * values, descending=True)
    values, vectors = values[order], vectors[order]
    residuals = torch.tensor([_residual(operator, value, v) for value, v in zip(values, vectors, strict=True)])
    return _Found(values, vectors, residuals, residuals, max(map(abs, values.tolist()), default=0.0))


def _residual(operator: CurvatureOperator, value: Tensor, vector: Tensor) -> float:
    return float((operator.product(vector) - value * vector).norm())


def _start(operator: CurvatureOperator, seed: int) -> Tensor:
    return torch.randn(operator.size, generator=stream(seed, "lanczos", "start"), dtype=torch.float64)


def _gaps(values: Tensor) -> Tensor:
    """From each of the ascending values to its nearest neighbour; 0, as if unknown, for a single one."""
    if len(values) == 1:
        return torch.zeros_like(values)
    steps = torch.cat([torch.tensor([torch.inf]).double(), values.diff(), torch.tensor([torch.inf]).double()])
    return torch.minimum(steps[:-1], steps[1:])


def _check(operator: CurvatureOperator, k: int, tol: float, steps: int, end: str, solver: str) -> None:
    most = operator.size - (solver == "eigsh")
    if not 1 <= k <= most:
        raise UsageError(f"k={k} must be from 1 to {most} for {operator.size} variables and solver={solver!r}.")
    check_tol(tol)
    if steps < 1:
        raise UsageError(f"steps={steps} must be at least 1.")
    if end not in ("largest", "smallest") or solver not in ("lanczos", "eigsh"):
        raise UsageError(f"end={end!r} must be 'largest' or 'smallest', solver={solver!r} 'lanczos' or 'eigsh'.")

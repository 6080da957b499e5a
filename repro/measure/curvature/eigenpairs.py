"""The largest or smallest eigenvalues of a symmetric operator, each with what is needed to distrust it.

From one start vector a Krylov method sees one eigenvector of a repeated eigenvalue, and sees late one that the start
hardly touches. What either solver found is therefore confirmed by Lanczos from another start, orthogonal to the pairs
found: what lies beyond them is taken in, until nothing is left that could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, eigsh
from torch import Tensor

from repro.errors import UsageError
from repro.measure.curvature.lanczos import Lanczos
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.measurement import Status
from repro.streams import stream

End = Literal["largest", "smallest"]
Solver = Literal["lanczos", "eigsh"]

CHANCE = 0.01
"""With which a second run overlooks, at most, an eigenvalue that the first one missed."""


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenvalues from one end of the spectrum (algebraic, not by magnitude), the outermost first.

    k is how many were asked for, or fewer where the products did not suffice to find as many.

    Attributes:
        values: float64, shape `(k,)`, in the unit of the loss.
        vectors: of length 1, one a row, float64, shape `(k, p)`.
        residuals: `‖Hv - λv‖`, shape `(k,)`: an eigenvalue lies within this distance of each value.
        errors: by how much each value may be off, shape `(k,)`: by `lanczos` `min(r, r²/gap)`, the gap to the nearest
            other value of the same run (Kato and Temple). It says that an eigenvalue is near, not that none was missed.
        converged: for each, whether its error is below the tolerance; bool, shape `(k,)`.
        status: CONVERGED if all are, and no value beyond them by more than the tolerance was missed, but for `CHANCE`;
            else BUDGET.
        iterations: of the solver and of the runs that confirm what it found, each one product.
        products: with the operator: the iterations, and what checking the pairs took.
        solver: which.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    errors: Tensor
    converged: Tensor
    status: Status
    iterations: int
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
        steps: products at most; `eigsh` takes those of its first cycle, some 20, in any case.
        seed: of the start vectors.
        solver: `lanczos` with full reorthogonalisation, or SciPy's `eigsh`, which takes more products.

    Raises:
        UsageError: k, tol or steps have no meaning, or the solver is unknown.
    """
    _check(operator, k, tol, steps, end, solver)
    before = operator.count
    starts, restarts = stream(seed, "lanczos", "start"), stream(seed, "lanczos", "restarts")
    task = _Task(operator, k, 1 if end == "largest" else -1, tol, starts, restarts)
    found = (_by_lanczos if solver == "lanczos" else _by_eigsh)(task, steps)
    while found.sure and not found.complete and (left := before + steps - operator.count - k) > 0:
        found = _confirmed(task, found, left)
    converged = found.converged(tol)
    status = Status.CONVERGED if found.complete and bool(converged.all()) else Status.BUDGET
    known = found.values, found.vectors, found.residuals, found.errors
    return Eigenpairs(*known, converged, status, found.iterations, operator.count - before, solver)


class _Task(NamedTuple):
    """What is looked for: k eigenvalues, those whose product with `sign` is largest."""

    operator: CurvatureOperator
    k: int
    sign: int
    tol: float
    starts: torch.Generator
    restarts: torch.Generator

    def start(self) -> Tensor:
        return torch.randn(self.operator.size, generator=self.starts, dtype=torch.float64)

    def residuals(self, values: Tensor, vectors: Tensor) -> Tensor:
        pairs = zip(values, vectors, strict=True)
        lengths = [(self.operator.product(vector) - value * vector).norm().item() for value, vector in pairs]
        return torch.tensor(lengths, dtype=torch.float64)


class _Found(NamedTuple):
    """Pairs, the outermost first, and the gap around each value, 0 if unknown.

    `scale` is the largest magnitude of an eigenvalue known, `iterations` how many it took to find them, `sure` says
    that all wanted have converged, `complete` that there are none beyond them.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    gaps: Tensor
    scale: float
    iterations: int
    sure: bool = False
    complete: bool = False

    @property
    def errors(self) -> Tensor:
        tiny = torch.finfo(torch.float64).tiny
        return torch.minimum(self.residuals, self.residuals.square() / self.gaps.clamp(min=tiny))

    def converged(self, tol: float) -> Tensor:
        return self.errors <= tol * self.scale


def _by_lanczos(task: _Task, steps: int) -> _Found:
    run = Lanczos(task.operator.product, task.start(), task.restarts)
    before = torch.empty(0)
    while True:
        run.step()
        found = _ritz_pairs(task, run)
        still = len(before) == task.k and bool(((found.values - before).abs() <= task.tol * found.scale).all())
        before = found.values
        sure = (still or run.exhausted) and bool(found.converged(task.tol).all())
        if sure or run.exhausted or run.steps >= steps:
            return found._replace(sure=sure, complete=run.exhausted)


def _by_eigsh(task: _Task, steps: int) -> _Found:
    operator, k, before = task.operator, task.k, task.operator.count
    width = min(operator.size, max(2 * k + 1, 20))
    rounds = max(1, (steps - width) // (width - k))
    matrix: Any = operator
    which: Literal["LA", "SA"] = "LA" if task.sign > 0 else "SA"
    try:
        pairs = eigsh(matrix, k, which=which, v0=task.start().numpy(), tol=task.tol, maxiter=rounds)
    except ArpackNoConvergence as partial:
        pairs = (partial.eigenvalues, partial.eigenvectors)
    except ArpackError:  # raised for a matrix of zeros
        if operator.product(task.start()).any():
            raise
        return _by_lanczos(task, steps)
    iterations = operator.count - before
    values, vectors = (torch.from_numpy(np.ascontiguousarray(part)) for part in (pairs[0], pairs[1].T))
    order = torch.argsort(task.sign * values, descending=True)
    values, vectors = values[order], vectors[order]
    scale = max(map(abs, values.tolist()), default=0.0)
    found = _Found(values, vectors, task.residuals(values, vectors), torch.zeros_like(values), scale, iterations)
    return found._replace(sure=len(values) == k and bool(found.converged(task.tol).all()))


def _confirmed(task: _Task, known: _Found, steps: int) -> _Found:
    """The pairs known if a run orthogonal to them shows that none lies beyond them, else with what it finds there."""
    run = Lanczos(task.operator.product, task.start(), task.restarts, known.vectors)
    level = task.sign * known.values[-1].item() + task.tol * known.scale
    rare = torch.pi / 2 * CHANCE**2 / task.operator.size
    while True:
        run.step()
        more = _ritz_pairs(task, run, level, known.scale)
        if not len(more.values) and (run.exhausted or _hidden(run, task.sign * level) < rare):
            return known._replace(iterations=known.iterations + run.steps, complete=True)
        sure = len(more.values) > 0 and bool(more.converged(task.tol).all())
        if sure or run.steps >= steps:
            return _merged(task, known, more)._replace(sure=sure, complete=run.exhausted)


def _ritz_pairs(task: _Task, run: Lanczos, level: float = -torch.inf, scale: float = 0.0) -> _Found:
    """The k outermost pairs of a run, as far as they lie beyond `level`."""
    values, vectors = run.ritz()
    chosen = torch.argsort(task.sign * values, descending=True)[: task.k]
    chosen = chosen[task.sign * values[chosen] > level]
    residuals = run.betas[-1] * vectors[-1, chosen].abs()
    scale = max(scale, float(values.abs().max()))
    return _Found(values[chosen], vectors[:, chosen].T @ run.basis, residuals, _gaps(values)[chosen], scale, run.steps)


def _hidden(run: Lanczos, level: float) -> float:
    """The largest weight, as a fraction, that the start can have on an eigenvalue at or beyond `level`.

    It is the Christoffel number `1 / Σ pᵢ(level)²`, the pᵢ being the run's orthonormal polynomials, for a level beyond
    all Ritz values. A random direction's weight is below `π c² / 2p` with a chance of at most c.
    """
    before, p, total = 0.0, 1.0, 1.0
    for alpha, last, beta in zip(run.alphas, [0.0, *run.betas[:-1]], run.betas, strict=True):
        if beta == 0.0:
            return 0.0  # the start lies in the span of the basis
        before, p = p, ((level - alpha) * p - last * before) / beta
        total += p * p
    return 1 / total


def _merged(task: _Task, known: _Found, more: _Found) -> _Found:
    more = more._replace(residuals=task.residuals(more.values, more.vectors))  # also along the vectors known
    values, vectors, residuals, gaps = (torch.cat(parts) for parts in zip(known[:4], more[:4], strict=True))
    first = torch.argsort(task.sign * values, descending=True)[: task.k]
    iterations = known.iterations + more.iterations
    return _Found(values[first], vectors[first], residuals[first], gaps[first], more.scale, iterations)


def _gaps(values: Tensor) -> Tensor:
    """From each of the ascending values to its nearest neighbour; 0, as if unknown, for a single one."""
    if len(values) == 1:
        return torch.zeros_like(values)
    steps = torch.cat([torch.tensor([torch.inf]).double(), values.diff(), torch.tensor([torch.inf]).double()])
    return torch.minimum(steps[:-1], steps[1:])


def check_tol(tol: float) -> None:
    """Raise `UsageError` unless the tolerance is a fraction."""
    if not 0 < tol < 1:
        raise UsageError(f"tol={tol} must lie between 0 and 1, for it is a fraction; take 1e-6.")


def _check(operator: CurvatureOperator, k: int, tol: float, steps: int, end: str, solver: str) -> None:
    most = operator.size - (solver == "eigsh")
    if not 1 <= k <= most:
        raise UsageError(f"k={k} must be from 1 to {most} for {operator.size} variables and solver={solver!r}.")
    check_tol(tol)
    if steps < 1:
        raise UsageError(f"steps={steps} must be at least 1.")
    if end not in ("largest", "smallest") or solver not in ("lanczos", "eigsh"):
        raise UsageError(f"end={end!r} must be 'largest' or 'smallest', solver={solver!r} 'lanczos' or 'eigsh'.")

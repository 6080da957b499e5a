"""The spectrum of a minimum in one call: the largest eigenvalues, the trace, and the density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from repro.errors import UsageError
from repro.measure.curvature.density import Density, density
from repro.measure.curvature.eigenpairs import eigenpairs
from repro.measure.curvature.exact_trace import exact_trace, why_not_exact
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.curvature.pyhessian import PyHessian
from repro.measure.curvature.trace import Trace, hutchinson_trace
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective, Objective

Engine = Literal["lanczos", "eigsh", "pyhessian"]

TRACE_PROBES = 10
"""Random vectors, at least, for a trace that cannot be computed exactly: fewer say little of their own error."""


@dataclass(frozen=True)
class Spectrum:
    """What is known of the eigenvalues of a Hessian.

    Attributes:
        values: the k largest, or by PyHessian the k of largest magnitude, float64, shape `(k,)`, in the unit of the
            loss, the largest first; fewer where the products did not suffice to find as many.
        vectors: their eigenvectors, of length 1, one a row, float64, shape `(k, p)`; `None` from PyHessian.
        errors: by how much each value may be off, shape `(k,)`; `None` from PyHessian, which does not know.
        converged: for each value, whether its error is below the tolerance; `None` from PyHessian.
        status: of the values together, see `Eigenpairs`: BUDGET if one has not converged, is lacking, or may have been
            missed; `None` from PyHessian.
        trace: the sum of all.
        density: how all are spread; `None` if no probes were asked for.
        products: with the Hessian, all together.
        engine: what computed it.
    """

    values: Tensor
    vectors: Tensor | None
    errors: Tensor | None
    converged: Tensor | None
    status: Status | None
    trace: Trace
    density: Density | None
    products: int
    engine: Engine


def spectrum(
    objective: Objective,
    x: Tensor,
    *,
    k: int | None = None,
    engine: Engine = "lanczos",
    tol: float = 1e-6,
    probes: int = 2,
    steps: int = 40,
    seed: int = 0,
) -> Spectrum:
    """The k largest eigenvalues of the Hessian of f at x, its trace and its density.

    Args:
        objective: f, on all the data; with BatchNorm's running statistics unless it says otherwise.
        x: where, shape `(p,)`.
        k: eigenvalues, by default 5, or as many as the engine can find where p is smaller; they are taken out of the
            density, which is the more exact for it.
        engine: `lanczos`; `eigsh`, SciPy's solver for the eigenvalues; or `pyhessian`, an independent second opinion.
        tol: error of each eigenvalue that will do, as a fraction of the largest.
        probes: random vectors for the density, which 0 leaves out, and for a trace that cannot be computed exactly,
            which takes at least `TRACE_PROBES`.
        steps: of Lanczos, for each of them.
        seed: of all that is random.

    Raises:
        UsageError: the engine is unknown, or cannot do what is asked.
    """
    k = min(5, objective.size - (engine == "eigsh")) if k is None else k
    if engine == "pyhessian":
        return _second_opinion(objective, x, k, tol, probes, steps, seed)
    if engine not in ("lanczos", "eigsh"):
        raise UsageError(f"engine={engine!r} must be 'lanczos', 'eigsh' or 'pyhessian'.")
    operator = CurvatureOperator(objective, x)
    pairs = eigenpairs(operator, k, tol=tol, seed=seed, solver=engine)
    if isinstance(objective, NetworkObjective) and not why_not_exact(objective):
        trace = exact_trace(objective, x)
    else:
        trace = hutchinson_trace(operator, probes=max(TRACE_PROBES, probes), pairs=pairs, seed=seed)
    spread = density(operator, probes=probes, steps=steps, pairs=pairs, seed=seed) if probes else None
    found = pairs.values, pairs.vectors, pairs.errors, pairs.converged, pairs.status
    return Spectrum(*found, trace, spread, operator.count, engine)


def _second_opinion(
    objective: Objective, x: Tensor, k: int, tol: float, probes: int, steps: int, seed: int
) -> Spectrum:
    if not isinstance(objective, NetworkObjective):
        raise UsageError("engine='pyhessian' needs a network: pass a NetworkObjective.")
    other = PyHessian(objective, x)
    values = other.eigenvalues(k, tol=tol, iterations=1000, seed=seed)
    trace = other.trace(probes=max(TRACE_PROBES, probes), seed=seed)
    spread = other.density(probes=probes, steps=steps, seed=seed) if probes else None
    return Spectrum(values, None, None, None, None, trace, spread, other.products, "pyhessian")

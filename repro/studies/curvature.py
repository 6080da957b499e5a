"""The Hessian's spectrum at one set of stored weights, and how the gradient and Keskar's box lie to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure import leading_terms, overlaps, spectrum
from repro.measure.curvature.density import Density
from repro.measure.curvature.eigenpairs import check_tol
from repro.measure.curvature.spectrum import Engine
from repro.runs.store import RunStore
from repro.studies.network import AtAnUpdate, check_measured, objective_at


@dataclass(frozen=True)
class SpectrumAt(AtAnUpdate):
    """The largest eigenvalues, the trace and the density of the training loss's Hessian, statistics recomputed.

    Attributes:
        engine: `lanczos`, `eigsh` or `pyhessian`.
        top: how many of the largest eigenvalues.
        probes: random vectors of the density; 0 leaves it out.
        steps: of Lanczos, for each.
        tol: error of an eigenvalue that will do, as a fraction of the largest.
        measured: examples of the training set, evenly spaced; 0 is all.
        seed: of all that is random; `None` is the run's own.

    Raises:
        UsageError: a size has no meaning.
    """

    METHOD: ClassVar[int] = 5

    engine: Engine = "lanczos"
    top: int = 5
    probes: int = 2
    steps: int = 40
    tol: float = 1e-6
    measured: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        check_tol(self.tol)
        check_measured(self.spec, self.measured)
        if min(self.top, self.steps) < 1 or self.probes < 0:
            raise UsageError(
                f"top={self.top} and steps={self.steps} must be at least 1, and probes={self.probes} at least 0."
            )

    @property
    def gradients(self) -> float:
        """Cost in gradients: two for each product, of which the eigenvalues take about twenty, and three apiece."""
        return 2.0 * (20 + 3 * self.top + self.probes * self.steps)

    def measure(self, store: RunStore) -> dict[str, Any]:
        """Eigenvalues with errors, trace with standard error, the density's nodes and weights for each probe.

        With them go the loss, the length of its gradient and the gradient's `overlaps` with the eigenvectors, and
        φ's `slope` and `curvature` (`repro.measure.LeadingTerms`); what PyHessian does not give is `None`.
        """
        objective = objective_at(store, self.spec, self.update, "recomputed", self.measured)
        x = objective.start.double()
        found = spectrum(
            objective,
            x,
            k=self.top,
            engine=self.engine,
            tol=self.tol,
            probes=self.probes,
            steps=self.steps,
            seed=self.spec.seed if self.seed is None else self.seed,
        )
        loss, gradient = objective.value_and_grad(x)
        content: dict[str, Any] = {
            "engine": found.engine,
            "eigenvalues": found.values.tolist(),
            "errors": None if found.errors is None else found.errors.tolist(),
            "converged": None if found.converged is None else found.converged.tolist(),
            "trace": found.trace.value,
            "trace_error": found.trace.residual,
            "trace_method": found.trace.method,
            "density": None if found.density is None else _as_content(found.density),
            "products": found.products,
            "loss": loss,
            "gradient": gradient.norm().item(),
            "overlaps": None,
            "slope": None,
            "curvature": None,
        }
        if found.vectors is None:
            return content
        terms = leading_terms(x, loss, gradient, found.values[0].item(), found.vectors[0])
        return content | terms._asdict() | {"overlaps": overlaps(gradient, found.vectors).tolist()}


def _as_content(density: Density) -> dict[str, Any]:
    rules = {"nodes": density.nodes, "weights": density.weights}
    listed = {name: [values.tolist() for values in each] for name, each in rules.items()}
    return {"size": density.size, "outliers": density.outliers.tolist(), "products": density.products, **listed}


def density_of(content: dict[str, Any]) -> Density:
    """The density that `SpectrumAt.measure` put down under `density`."""
    nodes, weights = (tuple(map(_tensor, content[name])) for name in ("nodes", "weights"))
    return Density(content["size"], _tensor(content["outliers"]), nodes, weights, content["products"])


def _tensor(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)

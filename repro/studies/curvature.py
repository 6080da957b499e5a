"""The Hessian's spectrum at one set of stored weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repro.measure import spectrum
from repro.measure.curvature.spectrum import Engine
from repro.runs.store import RunStore
from repro.studies.network import AtAnUpdate, objective_at


@dataclass(frozen=True)
class SpectrumAt(AtAnUpdate):
    """The largest eigenvalues, the trace and the density of the training loss's Hessian, statistics recomputed.

    Attributes:
        engine: `lanczos`, `eigsh` or `pyhessian`.
        top: how many of the largest eigenvalues.
        probes: random vectors of the density.
        steps: of Lanczos, for each.
        tol: error of an eigenvalue that will do, as a fraction of the largest.
        measured: examples of the training set, evenly spaced; 0 is all.
    """

    engine: Engine = "lanczos"
    top: int = 5
    probes: int = 2
    steps: int = 40
    tol: float = 1e-6
    measured: int = 0

    @property
    def gradients(self) -> float:
        """Cost in gradients: two for each product, of which the eigenvalues take about three apiece."""
        return 2.0 * (10 + 3 * self.top + self.probes * self.steps)

    def measure(self, store: RunStore) -> dict[str, Any]:
        """Eigenvalues and errors, trace with its standard error, and the density's nodes and weights for each probe."""
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
            seed=self.spec.seed,
        )
        return {
            "engine": found.engine,
            "eigenvalues": found.values.tolist(),
            "errors": None if found.errors is None else found.errors.tolist(),
            "trace": found.trace.value,
            "trace_error": found.trace.residual,
            "trace_method": found.trace.method,
            "nodes": [nodes.tolist() for nodes in found.density.nodes],
            "weights": [weights.tolist() for weights in found.density.weights],
            "products": found.products,
            "loss": objective.value(x),
        }

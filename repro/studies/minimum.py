"""What is measured at one set of stored weights: the losses there, and how sharp the minimum is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.adaptive import adaptive_sharpness
from repro.measure.box import check_eps, keskar_box
from repro.measure.manifold import Distribution, Manifold, random_manifold
from repro.measure.objective import NetworkObjective
from repro.measure.restriction import Restriction
from repro.measure.sharpness import Rule, Sharpness, check_budget, sharpness
from repro.runs.store import RunStore
from repro.streams import stream
from repro.studies.network import AtAnUpdate, OfOneRun, check_measured, objective_at

SHORT: Mapping[str, Any] = {"rule": "ascent", "budget": 20}
"""The search of rows that compare many points or vary a choice: sign ascents of 20 full-data gradients."""


@dataclass(frozen=True)
class EvaluationAt(OfOneRun):
    """Loss and accuracy on the training set at a run's end, BatchNorm statistics recomputed on it."""

    measured: ClassVar[int] = 0

    @property
    def gradients(self) -> float:
        """Cost in gradients: a pass forward, and a part of one for each BatchNorm layer."""
        return 1.5

    def measure(self, store: RunStore) -> dict[str, Any]:
        """`loss` in nats and `accuracy`, a fraction."""
        objective = objective_at(store, self.spec, None, "recomputed", 0)
        return objective.evaluate(objective.start)._asdict()


@dataclass(frozen=True)
class SharpnessAt(AtAnUpdate):
    """Keskar's sharpness (Metric 2.1) at the weights of a run, in the full space.

    Attributes:
        eps: relative size of the box.
        rule: `published`, ten iterations of L-BFGS-B; `searched`, the best of several searches; or `ascent`, the sign
            ascents among them.
        budget: full-data gradients the searches may spend together.
        start: of the published search: `x`, or a `random` point of the box.
        box: `keskar`, |z| ≤ ε(|x| + 1); or `adaptive`, |z| ≤ ε|x| (ASAM).
        batchnorm: `recomputed` on the whole training set at these weights, or `batch`.
        measured: examples of the training set in the loss, evenly spaced; 0 is all.

    Raises:
        UsageError: a size has no meaning, or two of the choices exclude each other.
    """

    METHOD: ClassVar[int] = 2

    eps: float = 1e-3
    rule: Rule = "searched"
    budget: int = 60
    start: Literal["x", "random"] = "x"
    box: Literal["keskar", "adaptive"] = "keskar"
    batchnorm: Literal["recomputed", "batch"] = "recomputed"
    measured: int = 0

    def __post_init__(self) -> None:
        check_eps(self.eps)
        check_budget(self.budget)
        check_measured(self.spec, self.measured)
        if self.box == "adaptive" and (self.rule, self.start) != ("searched", "x"):
            raise UsageError(f"box='adaptive' is searched from x, not by rule={self.rule!r} from start={self.start!r}.")

    @property
    def gradients(self) -> float:
        """Cost in gradients: the budget, or what ten iterations take."""
        return 12 if self.rule == "published" else self.budget

    def measure(self, store: RunStore) -> dict[str, Any]:
        """The fields of `repro.measure.Sharpness`; `failure` says why there is no value."""
        objective = objective_at(store, self.spec, self.update, self.batchnorm, self.measured)
        return as_content(self._search(objective))

    def _search(self, objective: NetworkObjective) -> Sharpness:
        if self.box == "adaptive":
            return adaptive_sharpness(objective, objective.start, self.eps, budget=self.budget)
        return self._metric(objective, None)

    def _metric(self, objective: NetworkObjective, manifold: Manifold | None) -> Sharpness:
        return sharpness(
            objective,
            objective.start,
            self.eps,
            rule=self.rule,
            manifold=manifold,
            budget=self.budget,
            start=self.start,
            seed=self.spec.seed,
        )


@dataclass(frozen=True)
class ExpandedSharpnessAt(SharpnessAt):
    """The same, and what the Taylor series of the loss says of the highest point found."""

    @property
    def gradients(self) -> float:
        """Cost in gradients: the search, the gradient at x, and a product with the Hessian."""
        return super().gradients + 4

    def measure(self, store: RunStore) -> dict[str, Any]:
        """As `SharpnessAt.measure`; `expanded` is `100 (g·z + ½ zᵀHz) / (1 + f)` at the displacement z found."""
        objective = objective_at(store, self.spec, self.update, self.batchnorm, self.measured)
        found, x = self._search(objective), objective.start
        loss, gradient = objective.value_and_grad(x)
        z = found.displacement
        rise = float(gradient @ z + z @ objective.hvp(x, z) / 2)
        return as_content(found) | {"expanded": 100 * rise / (1 + loss)}


@dataclass(frozen=True)
class ManifoldSharpnessAt(SharpnessAt):
    """The same on the columns of a random matrix A, drawn with the run's seed.

    Attributes:
        columns: of A.
        entries: how A is drawn.

    Raises:
        UsageError: a size has no meaning.
    """

    columns: int = 100
    entries: Distribution = "normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.box != "keskar":
            raise UsageError(f"box={self.box!r} has no meaning on a manifold, whose box is Keskar's.")
        if self.columns < 1:
            raise UsageError(f"columns={self.columns} of the manifold must be at least 1; the paper uses 100.")

    def _search(self, objective: NetworkObjective) -> Sharpness:
        generator = stream(self.spec.seed, "manifold")
        return self._metric(objective, random_manifold(objective.size, self.columns, generator, entries=self.entries))


@dataclass(frozen=True)
class SharesAt(OfOneRun):
    """Sharpness by sign ascents while only some coordinates may move, and in the full space.

    The coordinates that matter most are those of the largest |g_i| r_i, the gradient at the point of the box that the
    full search found times the box's half-width: their share of the loss's slope there.

    Attributes:
        fraction: of the coordinates that may move.
        eps: relative size of the box.
        budget: gradients for each of the three searches.
        measured: examples of the training set, evenly spaced; 0 is all.

    Raises:
        UsageError: a size has no meaning.
    """

    METHOD: ClassVar[int] = 2

    fraction: float = 0.05
    eps: float = 1e-3
    budget: int = 20
    measured: int = 0

    def __post_init__(self) -> None:
        check_eps(self.eps)
        check_budget(self.budget)
        check_measured(self.spec, self.measured)

    @property
    def gradients(self) -> float:
        """Cost in gradients."""
        return 3 * self.budget + 1

    def measure(self, store: RunStore) -> dict[str, Any]:
        """As `SharpnessAt.measure` under `whole`, `top` (those that matter most) and `random`."""
        objective = objective_at(store, self.spec, None, "recomputed", self.measured)
        x = objective.start.double()
        whole = sharpness(objective, x, self.eps, rule="ascent", budget=self.budget)
        _, gradient = objective.value_and_grad(x + whole.displacement)
        count = round(self.fraction * len(x))
        chosen = {
            "top": (gradient.abs() * keskar_box(x, self.eps).radius).topk(count).indices,
            "random": torch.randperm(len(x), generator=stream(self.spec.seed, "share"))[:count],
        }
        return {"whole": as_content(whole)} | {
            which: as_content(self._restricted(objective, x, index.sort().values)) for which, index in chosen.items()
        }

    def _restricted(self, objective: NetworkObjective, x: Tensor, index: Tensor) -> Sharpness:
        return sharpness(Restriction(objective, x, index), x[index], self.eps, rule="ascent", budget=self.budget)


def as_content(found: Sharpness) -> dict[str, Any]:
    """A sharpness as plain JSON, which has no number for what is not finite."""
    content = {name: value for name, value in asdict(found).items() if not isinstance(value, torch.Tensor)}
    finite = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in content.items()}
    return finite | {"status": found.status.name.lower(), "failure": "" if found.usable else found.status.value}

"""Loss and accuracy on the way between two stored minima, and in random directions from one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from repro.data import load
from repro.measure.directions import random_line
from repro.measure.landscape import BatchNormRule
from repro.measure.paths import path
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest
from repro.studies.network import CHUNK, OfOneRun, chunk_of, network_at, part_of
from repro.train.spec import RunSpec

_POINT = (1 + 5) / 3
"""Gradients of a point: a pass forward is a third, and recomputed statistics take one for each of F1's five layers."""


@dataclass(frozen=True)
class PathBetween:
    """A path from a small-batch minimum (α = 0) to a large-batch one (α = 1); Keskar et al. 2017, Figs. 3 and 7.

    Attributes:
        small, large: the two runs, at their ends.
        kind: `linear` or `curvilinear`.
        alphas: where on it; empty stands for the paper's 25 points, on [-1, 2] or [0, 1].
        batchnorm: which statistics BatchNorm uses along the path, see `repro.measure.landscape`.
        measured: examples of the training set, evenly spaced, on which the loss is taken; 0 is all.
        statistics: how many of those BatchNorm's statistics are recomputed on, evenly spaced; 0 is all.
    """

    METHOD: ClassVar[int] = 1

    small: RunSpec
    large: RunSpec
    kind: Literal["linear", "curvilinear"] = "linear"
    alphas: tuple[float, ...] = ()
    batchnorm: BatchNormRule = "recomputed"
    measured: int = 0
    statistics: int = 0

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        """Both runs."""
        return RunRequest(self.small), RunRequest(self.large)

    @property
    def gradients(self) -> float:
        """Cost in gradients."""
        return (len(self.alphas) or 25) * _POINT

    def measure(self, store: RunStore) -> dict[str, Any]:
        """Alpha, and train and test loss (nats) and accuracy (fraction) at each."""
        data = load(self.small.dataset)
        model = network_at(store, self.small, None, data)
        found = path(
            model,
            store.folder(self.small.key).weights(),
            store.folder(self.large.key).weights(),
            part_of(data.train, self.measured),
            data.test,
            kind=self.kind,
            alphas=self.alphas or None,
            batchnorm=self.batchnorm,
            statistics=self.statistics or None,
            chunk=CHUNK if self.batchnorm == "batch" else chunk_of(model),
        )
        return asdict(found)


@dataclass(frozen=True)
class DirectionFrom(OfOneRun):
    """A short line through a minimum in a random filter-normalised direction (Li et al. 2018): the control.

    Attributes:
        seed: of the direction; both arms of a seed have the same draw.
        alphas: steps, in units of each filter's own norm.
        measured: examples of the training set, evenly spaced; 0 is all.
    """

    seed: int
    alphas: tuple[float, ...] = (-0.25, 0.0, 0.25)
    measured: int = 0

    @property
    def gradients(self) -> float:
        """Cost in gradients, as for a path."""
        return len(self.alphas) * _POINT

    def measure(self, store: RunStore) -> dict[str, Any]:
        """As `PathBetween.measure`."""
        data = load(self.spec.dataset)
        model = network_at(store, self.spec, None, data)
        found = random_line(
            model,
            part_of(data.train, self.measured),
            data.test,
            seed=self.seed,
            alphas=self.alphas,
            chunk=chunk_of(model),
        )
        return asdict(found)

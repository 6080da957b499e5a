"""A network's loss and accuracy on its training and test set, at any point, under a named BatchNorm rule.

Away from a minimum a network with BatchNorm is not a function of its parameters alone: its running statistics
belong to the weights it was trained to. Each rule says what stands in their place.

- `recomputed`: the training set's statistics at that very point. A function of parameters and data, at the
  cost of one more pass over the training set, or a part of it, for each BatchNorm layer.
- `interpolated`: running statistics moved as the parameters are. No further pass; but no data have these
  statistics, so they put a part of their own into any barrier; a variance extrapolated below 0 is taken as 0.
- `batch`: each chunk's own statistics, on the test set too. What Keskar's code did (Keras 1 `mode=2`,
  chunks of 5000 examples); it depends on the chunk and on the order of the examples.

`recomputed` is primary here: it alone draws the loss as a function of the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, cast

import torch
from torch import Tensor, nn

from repro.data.tensors import Split
from repro.errors import UsageError
from repro.measure.batchnorm import batchnorm_layers, recompute_statistics
from repro.measure.borrow import borrowed
from repro.measure.flat import flatten, unflatten
from repro.measure.objective import Evaluation, NetworkObjective

BatchNormRule = Literal["recomputed", "interpolated", "batch"]
_PASS = 1 / 3  # of a gradient


class Evaluator(Protocol):
    """Something to draw: loss and accuracy on one or more data sets, as functions of one flat point."""

    @property
    def costs(self) -> Sequence[float]:
        """What one evaluation costs on each data set, in its full-data gradients (a pass forward is 1/3)."""

    def evaluate(self, point: Tensor) -> Sequence[Evaluation]:
        """Mean loss and accuracy on each data set at `point`, shape `(p,)`."""


class Landscape:
    """A network as an `Evaluator` on its training set and its test set, in this order.

    Dropout is off, sums are float64, and an evaluation leaves the network bit for bit as it was.

    Args:
        model: a network whose parameters, and under `interpolated` running statistics, a point replaces.
        train: training examples.
        test: test examples.
        batchnorm: which statistics BatchNorm uses; see above.
        statistics: under `recomputed`, how many training examples they come from, evenly spaced through the
            training set; by default all of it.
        chunk: examples per pass through the network.

    Raises:
        UsageError: an unknown rule, or `statistics` that exceeds the training set or goes with another rule.
    """

    def __init__(
        self,
        model: nn.Module,
        train: Split,
        test: Split,
        *,
        batchnorm: BatchNormRule = "recomputed",
        statistics: int | None = None,
        chunk: int = 1000,
    ) -> None:
        _check(batchnorm, statistics, len(train))
        self._model, self._batchnorm, self._chunk = model, batchnorm, chunk
        self._examples = len(train)
        self._seen = train.inputs if statistics is None else train.evenly(statistics).inputs
        self._moved: dict[str, Tensor] = dict(model.named_parameters())
        names = list(self._moved)
        if batchnorm == "interpolated":
            self._moved |= _running_statistics(model)
        mode: Literal["running", "batch"] = "batch" if batchnorm == "batch" else "running"
        self._objectives = [
            NetworkObjective(model, s.inputs, s.labels, chunk=chunk, batchnorm=mode, parameters=names)
            for s in (train, test)
        ]

    @property
    def rule(self) -> str:
        """The BatchNorm rule in words, for a caption."""
        if self._batchnorm == "interpolated":
            return "running statistics moved as the parameters are"
        if self._batchnorm == "batch":
            return f"statistics of each chunk of {self._chunk} examples"
        share = "all" if len(self._seen) == self._examples else f"{len(self._seen)} evenly spaced of the"
        return f"statistics recomputed at each point on {share} {self._examples} training examples"

    @property
    def costs(self) -> tuple[float, float]:
        """Full-data gradients a point, by set; recomputing counts a pass a layer, on the training set."""
        layers = len(batchnorm_layers(self._model)) if self._batchnorm == "recomputed" else 0
        return _PASS * (1 + layers * len(self._seen) / self._examples), _PASS

    def point(self, state: Mapping[str, Tensor]) -> Tensor:
        """What moves of `state`: parameters, under `interpolated` running statistics too; float64 `(p,)`.

        Args:
            state: tensors by name, as `model.state_dict()` has them; the rest of it is passed over.

        Raises:
            UsageError: `state` lacks a tensor, or has it in another shape.
        """
        for name, tensor in self._moved.items():
            if name not in state or state[name].shape != tensor.shape:
                found = tuple(state[name].shape) if name in state else "nothing"
                raise UsageError(
                    f"{name} must have shape {tuple(tensor.shape)}, but the state holds {found}; "
                    "pass a state_dict() of the same network."
                )
        return flatten(state[name].cpu().double() for name in self._moved)

    def evaluate(self, point: Tensor) -> tuple[Evaluation, Evaluation]:
        """Mean loss in nats and accuracy, a fraction, on training and test set at `point`, shape `(p,)`."""
        moved = list(self._moved.values())
        with borrowed(self._model), torch.no_grad():
            for tensor, part in zip(moved, unflatten(point, moved), strict=True):
                tensor.copy_(part)
            self._set_statistics()
            train, test = (objective.evaluate(objective.start) for objective in self._objectives)
        return train, test

    def _set_statistics(self) -> None:
        if self._batchnorm == "recomputed":
            recompute_statistics(self._model, self._seen, chunk=self._chunk)
        elif self._batchnorm == "interpolated":
            for layer in batchnorm_layers(self._model).values():
                cast(Tensor, layer.running_var).clamp_(min=0)


def _running_statistics(model: nn.Module) -> dict[str, Tensor]:
    return {
        f"{name}.{kind}".lstrip("."): getattr(layer, kind)
        for name, layer in batchnorm_layers(model).items()
        for kind in ("running_mean", "running_var")
    }


def _check(batchnorm: str, statistics: int | None, examples: int) -> None:
    if batchnorm not in ("recomputed", "interpolated", "batch"):
        raise UsageError(f"batchnorm={batchnorm!r} must be 'recomputed', 'interpolated' or 'batch'.")
    if statistics is not None and batchnorm != "recomputed":
        raise UsageError(f"statistics={statistics} goes with batchnorm='recomputed' alone; leave it out.")
    if statistics is not None and not 2 <= statistics <= examples:
        raise UsageError(f"statistics={statistics} must lie between 2 and the {examples} training examples.")

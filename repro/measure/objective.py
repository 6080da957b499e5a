"""The full-data loss as a function of one flat vector: all that sharpness, spectra and paths see."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from repro.errors import DataError, UsageError
from repro.measure.batchnorm import batchnorm_layers
from repro.measure.borrow import undisturbed
from repro.measure.curvature.chunk import CHUNK_PRODUCTS, ChunkProduct, Matrix
from repro.measure.curvature.folding import Folded, State
from repro.measure.curvature.products import GRAPH_MEMORY, Products, SumOverChunks
from repro.measure.flat import flatten, select, unflatten
from repro.measure.inputs import check_chunk, chunks
from repro.measure.losses import Loss, cross_entropy
from repro.nets.layout import arranged, layout_of


class Objective(Protocol):
    """A twice differentiable function of one flat vector."""

    @property
    def size(self) -> int:
        """p, the number of variables."""

    @property
    def dtype(self) -> torch.dtype:
        """The precision to which a point is rounded before it is evaluated."""

    def value(self, point: Tensor) -> float:
        """The function at `point`, shape `(p,)`, any float dtype."""

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        """The function and its gradient, float64 `(p,)`, at `point`, shape `(p,)`."""

    def hvp(self, point: Tensor, vector: Tensor) -> Tensor:
        """The Hessian at `point` times `vector`: float64 `(p,)`."""


def checked_point(objective: Objective, x: Tensor) -> Tensor:
    """x without a graph; `UsageError` unless it can be measured at: shape `(p,)`, every entry finite."""
    if x.shape != (objective.size,):
        raise UsageError(f"x of shape {tuple(x.shape)} must have shape ({objective.size},), one entry a variable.")
    if not x.isfinite().all():
        raise UsageError(f"x of shape {tuple(x.shape)} holds entries that are not finite, as after a diverged run.")
    return x.detach()


_SKETCHED = 100
"""A sketch has at least this many examples."""
_FEW = 8
"""Examples by which a network with its BatchNorm folded is held against the network as it is."""


class Evaluation(NamedTuple):
    """Mean loss in nats, and the fraction of examples whose largest logit is their label's."""

    loss: float
    accuracy: float


class NetworkObjective:
    """The mean loss of a network over all examples (Keskar et al. 2017, eq. 1).

    The network runs in its own precision; the loss and every sum over examples are float64, so that a loss of
    1e-9 still has a gradient, and sums are divided once by n, so that the chunk is a matter of memory only.
    Points, gradients and products are on the CPU, where all that searches works; the network computes where it is.
    Dropout is off. A call leaves parameters, buffers, modes, gradients and torch's random state untouched.

    Args:
        model: any `nn.Module` in float32 or float64. It is used, not copied: what is not in the point
            (buffers, parameters not selected) is read from it at each call. Images come in the layout of its filters:
            convolutions are faster after `model.to(memory_format=torch.channels_last)`.
        inputs: shape `(n, ...)`; uint8 pixels are divided by 255.
        labels: shape `(n, ...)`.
        loss: each example's loss, from float64 logits.
        chunk: examples per pass through the network; 128 is faster, and smaller, with convolutions.
        batchnorm: `running`, the network's own statistics, which make the loss a sum over examples; or
            `batch`, those of each chunk, as Keskar's released code had it (Keras 1, `mode=2`): the loss then
            depends on the chunk and on the order of the examples, so fix both.
        parameters: names of the variables, as in `model.named_parameters()`; by default all that require a
            gradient. The point has them in the model's own order.

    Raises:
        DataError: no examples, or not one label for each; at a call, labels that are no classes.
        UsageError: a precision below float32, a chunk below 1, an unknown name, no running statistics to
            use, or one example left alone in a chunk whose statistics are to be used.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        *,
        loss: Loss = cross_entropy,
        chunk: int = 1000,
        batchnorm: Literal["running", "batch"] = "running",
        parameters: Iterable[str] | None = None,
    ) -> None:
        check_chunk(chunk)
        _check_data(inputs, labels)
        _check_precision(model)
        _check_statistics(model, batchnorm, len(inputs), chunk)
        self.model, self.loss, self.batchnorm = model, loss, batchnorm
        self._inputs, self._labels, self._chunk = inputs, labels, chunk
        self._variables = select(model, parameters)

    @property
    def size(self) -> int:
        """p, the number of variables."""
        return sum(parameter.numel() for parameter in self._variables.values())

    @property
    def data(self) -> tuple[Tensor, Tensor]:
        """The inputs and the labels, as they were given."""
        return self._inputs, self._labels

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the parameters in a point, in its order."""
        return tuple(self._variables)

    @property
    def dtype(self) -> torch.dtype:
        """The network's precision, to which a point is rounded before it is evaluated."""
        return next(iter(self._variables.values())).dtype

    @property
    def start(self) -> Tensor:
        """The network's own parameters as a new vector `(p,)`."""
        return flatten(self._variables.values()).cpu()

    def value(self, point: Tensor) -> float:
        """The mean loss at `point`, shape `(p,)`."""
        total = 0.0
        with torch.no_grad(), self._evaluating():
            for losses, _, _ in self._passes(self._leaves(point)):
                total += losses.sum().item()
        return total / len(self._inputs)

    def evaluate(self, point: Tensor) -> Evaluation:
        """The mean loss and the accuracy at `point`, shape `(p,)`; labels must be classes.

        An accuracy is NaN where the loss is.
        """
        if self._labels.ndim != 1:
            raise UsageError(f"labels of shape {tuple(self._labels.shape)} must be one class an example; use `value`.")
        total, correct = 0.0, 0
        with torch.no_grad(), self._evaluating():
            for losses, logits, labels in self._passes(self._leaves(point)):
                total += losses.sum().item()
                correct += int((logits.argmax(1) == labels).sum())
        return Evaluation(total / len(self._inputs), math.nan if math.isnan(total) else correct / len(self._inputs))

    def forward(self, point: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Float64 logits and labels of one chunk after another at `point`, shape `(p,)`; no graph leads there."""
        leaves = [leaf.requires_grad_(False) for leaf in self._leaves(point)]
        with self._evaluating():
            for part in self._parts():
                yield self._logits(part, leaves)

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        """The mean loss at `point`, shape `(p,)`, and its gradient, float64 `(p,)`."""
        leaves = self._leaves(point)
        total, gradient = 0.0, SumOverChunks(leaves)
        with torch.enable_grad(), self._evaluating():
            for losses, _, _ in self._passes(leaves):
                loss = losses.sum()
                total += loss.item()
                gradient.add(torch.autograd.grad(loss, leaves, allow_unused=True))
        return total / len(self._inputs), gradient.divided_by(len(self._inputs))

    def hvp(self, point: Tensor, vector: Tensor) -> Tensor:
        """The Hessian of the mean loss at `point` times `vector`, both `(p,)`; float64 `(p,)`."""
        return self.products(point, memory=0)(vector)

    def products(self, point: Tensor, *, matrix: Matrix = "hessian", memory: float = GRAPH_MEMORY) -> Products:
        """`v -> Hv` at `point`, shape `(p,)`, for many v: the gradients' graphs are kept and used again.

        Args:
            point: where.
            matrix: the `hessian` of the mean loss, or its Gauss-Newton part `ggn`.
            memory: bytes that the graphs of all chunks may take; those that do not fit are built anew each time.
        """
        if matrix not in CHUNK_PRODUCTS:
            raise UsageError(f"matrix={matrix!r} must be one of {', '.join(CHUNK_PRODUCTS)}.")
        layout = torch.contiguous_format  # a convolution's double backward is slower in channels last
        leaves = self._leaves(point, layout)
        with self._evaluating():
            (few,) = chunks(self.model, self._inputs[:_FEW], _FEW, layout)
            network = Folded(self.model, few) if self.batchnorm == "running" else None

        def build(part: slice) -> ChunkProduct:
            with torch.enable_grad(), self._evaluating(), sdpa_kernel(SDPBackend.MATH):  # the others differentiate once
                logits, labels = self._logits(part, leaves, layout, network)
                return CHUNK_PRODUCTS[matrix](logits, labels, self.loss, leaves)

        return Products(leaves, [partial(build, part) for part in self._parts()], len(self._inputs), memory)

    def sketch(self) -> tuple[NetworkObjective, float] | None:
        """The loss on every tenth example, and its cost, a tenth: for a search that wants to know where to look.

        Returns:
            `None` where the whole is small already, or where the loss is not a sum over examples.
        """
        if self.batchnorm == "batch" or len(self._inputs) < 10 * _SKETCHED:
            return None
        inputs, labels = self._inputs[::10], self._labels[::10]
        names = list(self._variables)
        thinner = NetworkObjective(self.model, inputs, labels, loss=self.loss, chunk=self._chunk, parameters=names)
        return thinner, len(inputs) / len(self._inputs)

    def _leaves(self, point: Tensor, layout: torch.memory_format | None = None) -> list[Tensor]:
        """The point cut into parameters, each the root of a graph of its own."""
        like, layout = list(self._variables.values()), layout or layout_of(self.model)
        parts = unflatten(point.detach().to(like[0]), like)
        return [arranged(part, layout).detach().requires_grad_() for part in parts]

    def _passes(self, leaves: list[Tensor]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Losses, float64 logits and labels of one chunk after another, at the parameters `leaves`."""
        for part in self._parts():
            logits, labels = self._logits(part, leaves)
            yield _per_example(self.loss(logits, labels), len(labels)), logits, labels

    def _parts(self) -> list[slice]:
        """Where the chunks are."""
        return [slice(start, start + self._chunk) for start in range(0, len(self._inputs), self._chunk)]

    def _logits(
        self,
        part: slice,
        leaves: list[Tensor],
        layout: torch.memory_format | None = None,
        network: Callable[[State, Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Float64 logits and labels of a chunk, at the parameters `leaves`; `network` computes what the model does."""
        state = dict(zip(self._variables, leaves, strict=True))
        state.update({name: buffer.clone() for name, buffer in self.model.named_buffers()})
        (inputs,) = chunks(self.model, self._inputs[part], self._chunk, layout)
        logits = (network or partial(functional_call, self.model))(state, inputs)
        if not isinstance(logits, Tensor):
            raise UsageError(
                f"the model gives a {type(logits).__name__}, not a tensor of logits; wrap it so that it does."
            )
        return logits.double(), self._labels[part].to(logits.device)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        with undisturbed(self.model) as model:
            model.eval()
            for layer in batchnorm_layers(model).values():
                layer.train(self.batchnorm == "batch")
            yield


def _per_example(losses: Tensor, count: int) -> Tensor:
    if losses.shape != (count,):
        raise UsageError(
            f"loss gave shape {tuple(losses.shape)} for {count} examples; it must give each example's loss, "
            f"shape ({count},): pass reduction='none', and sum over what an example has several of."
        )
    return losses


def _check_data(inputs: Tensor, labels: Tensor) -> None:
    for name, given in (("inputs", inputs), ("labels", labels)):
        if not isinstance(given, Tensor):
            raise UsageError(f"{name} are a {type(given).__name__}; pass a tensor, as from torch.as_tensor.")
    if len(inputs) == 0:
        raise DataError("inputs are empty; a mean loss needs at least one example.")
    if len(inputs) != len(labels):
        raise DataError(f"{len(inputs)} inputs must have as many labels, not {len(labels)}.")


def _check_precision(model: nn.Module) -> None:
    tensors = [*model.parameters(), *model.buffers()]
    precisions = {tensor.dtype for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()}
    if low := sorted(str(p) for p in precisions - {torch.float32, torch.float64}):
        raise UsageError(
            f"the model holds {', '.join(low)}; what is measured needs float32 or float64: pass model.float()."
        )
    if len(precisions) > 1:
        raise UsageError("the model mixes float32 and float64; pass model.float(), or model.double().")


def _check_statistics(model: nn.Module, batchnorm: str, examples: int, chunk: int) -> None:
    layers = batchnorm_layers(model)
    without = [name for name, layer in layers.items() if layer.running_mean is None]
    if batchnorm not in ("running", "batch"):
        raise UsageError(f"batchnorm={batchnorm!r} must be 'running' or 'batch'.")
    if batchnorm == "running" and without:
        raise UsageError(f"BatchNorm layers {without} keep no running statistics; pass batchnorm='batch'.")
    if batchnorm == "batch" and layers and 1 in (chunk, examples % chunk, examples):
        raise UsageError(
            f"chunk={chunk} leaves one of {examples} examples alone, which has no batch statistics; pass another chunk."
        )

"""BatchNorm's statistics as the population of the whole training set has them."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from repro.errors import DataError, UsageError
from repro.measure.borrow import borrowed
from repro.measure.inputs import check_chunk, chunks


class Statistics(NamedTuple):
    """Mean and biased variance of each channel over all examples and positions, float64 `(channels,)`."""

    mean: Tensor
    variance: Tensor


def batchnorm_layers(model: nn.Module) -> dict[str, _BatchNorm]:
    """The BatchNorm layers of `model` by name, in the order of `model.named_modules()`."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, _BatchNorm)}


def recompute_statistics(model: nn.Module, inputs: Tensor, *, chunk: int = 1000) -> None:
    """Set every BatchNorm's running mean and variance to those of all `inputs`; nothing else changes.

    Evaluation mode then computes, to rounding, what training mode computes on all inputs as one batch
    (dropout apart). To keep the model as it is, use `population_statistics`, or a copy.

    Args:
        model: a network whose BatchNorm layers each run once in a forward pass.
        inputs: shape `(n, ...)`; uint8 pixels are divided by 255.
        chunk: examples per pass; the result does not depend on it.

    Raises:
        DataError: there are no inputs.
        UsageError: `chunk` is below 1, or a layer keeps no running statistics or runs more than once.
    """
    layers = batchnorm_layers(model)
    for name, statistics in population_statistics(model, inputs, chunk=chunk).items():
        _set(layers[name], statistics)


def population_statistics(model: nn.Module, inputs: Tensor, *, chunk: int = 1000) -> dict[str, Statistics]:
    """What `recompute_statistics` would set, by layer and in forward order; the model is left as it was.

    A layer's input depends on the statistics of those before it, so there is one pass for each layer, up to
    that layer. One cumulative pass (PyTorch's `momentum=None`) averages the batches' statistics instead:
    another number, which depends on the batches.
    """
    check_chunk(chunk)
    if len(inputs) == 0:
        raise DataError("inputs are empty; statistics need at least one example.")
    layers, found = batchnorm_layers(model), dict[str, Statistics]()
    with borrowed(model), torch.no_grad():
        model.eval()
        for name in _forward_order(model, inputs[:1]):
            found[name] = _statistics_at(model, layers[name], inputs, chunk)
            _set(layers[name], found[name])
    return found


class _Reached(Exception):
    """Ends a forward pass at the layer it was made for."""


class _Moments:
    """Mean and variance of a growing sample (Chan, Golub & LeVeque 1983, eq. 2.1)."""

    def __init__(self) -> None:
        self._count = 0
        self._mean, self._squares = torch.zeros(()), torch.zeros(())

    def add(self, batch: Tensor) -> None:
        """Take in `batch`, shape `(m, channels, ...)`."""
        count = batch.numel() // batch.shape[1]
        over = [dimension for dimension in range(batch.ndim) if dimension != 1]
        values = batch.double()
        mean = values.mean(over, keepdim=True)
        squares = (values - mean).square_().sum(over)  # several times faster than torch.var_mean
        total, shift = self._count + count, mean.flatten() - self._mean
        self._squares = self._squares + squares + shift.square() * (self._count * count / total)
        self._mean = self._mean + shift * (count / total)
        self._count = total

    def statistics(self) -> Statistics:
        return Statistics(self._mean, self._squares / self._count)


def _statistics_at(model: nn.Module, layer: _BatchNorm, inputs: Tensor, chunk: int) -> Statistics:
    moments = _Moments()

    def take(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        moments.add(arguments[0])
        raise _Reached

    handle = layer.register_forward_pre_hook(take)
    try:
        for part in chunks(model, inputs, chunk):
            with suppress(_Reached):
                model(part)
    finally:
        handle.remove()
    return moments.statistics()


def _forward_order(model: nn.Module, inputs: Tensor) -> list[str]:
    """The layers that one forward pass calls, in the order of the calls."""
    layers, calls = batchnorm_layers(model), list[str]()
    if without := [name for name, layer in layers.items() if layer.running_mean is None]:
        raise UsageError(f"BatchNorm layers {without} keep no running statistics; build them so that they do.")
    handles = [
        layer.register_forward_pre_hook(lambda *_, name=name: calls.append(name)) for name, layer in layers.items()
    ]
    try:
        for part in chunks(model, inputs, len(inputs)):
            model(part)
    finally:
        for handle in handles:
            handle.remove()
    if repeated := sorted({name for name in calls if calls.count(name) > 1}):
        raise UsageError(f"BatchNorm layers {repeated} run more than once in a forward pass; use each only once.")
    return calls


def _set(layer: _BatchNorm, statistics: Statistics) -> None:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.copy_(statistics.mean)
    layer.running_var.copy_(statistics.variance)

"""Initial weights: the papers' uniform distribution, drawn from a generator that is passed."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from repro.errors import UsageError


def glorot_uniform_(model: nn.Module, generator: torch.Generator) -> None:
    """Weights uniform on `±√(6 / (fan_in + fan_out))`, biases 0, BatchNorm 1 and 0 (Glorot & Bengio 2010, eq. 16).

    This is the default of the Keras 1 in which Keskar et al. 2017 wrote their networks. Weights are drawn
    in the order of `model.modules()`; every parameter and buffer is overwritten.

    Args:
        model: any network of linear, convolution and BatchNorm layers.
        generator: the generator all weights are drawn from.

    Raises:
        UsageError: a layer of another kind has parameters of its own.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Linear, _ConvNd)):
            _fill(layer, generator)
        elif isinstance(layer, _BatchNorm):
            layer.reset_parameters()
        elif any(True for _ in layer.parameters(recurse=False)):
            raise UsageError(
                f"layer {name!r} is a {type(layer).__name__}; Glorot's rule is for linear, convolution and "
                "BatchNorm layers only: initialise this network by a rule of its own."
            )


def _fill(layer: nn.Linear | _ConvNd, generator: torch.Generator) -> None:
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)

"""The papers' networks, built by name from a generator that alone decides the initial weights."""

from __future__ import annotations

import torch
from torch import nn

from repro.errors import UsageError
from repro.nets import article, hoffer2017, keskar2017
from repro.nets.distance import distance_by_module, log_grid, parameter_distance
from repro.nets.init import glorot_uniform_, he_normal_

__all__ = ["build", "distance_by_module", "glorot_uniform_", "he_normal_", "log_grid", "parameter_distance"]

_NETWORKS = {**keskar2017.NETWORKS, **hoffer2017.NETWORKS, **article.NETWORKS}
_BY_HE = {**hoffer2017.NETWORKS, **article.NETWORKS}
_INITIAL = dict.fromkeys(keskar2017.NETWORKS, glorot_uniform_) | dict.fromkeys(_BY_HE, he_normal_)


def build(name: str, shape: tuple[int, ...], classes: int, generator: torch.Generator) -> nn.Module:
    """A float32 network with its paper's random weights (`repro.nets.init`) and BatchNorm at the identity.

    The weights depend on the arguments alone: the global generator is neither read nor moved.

    Args:
        name: what the papers call it, for example `F1` or `ResNet44`.
        shape: of one input, for example `(1, 28, 28)`, `(3, 32, 32)` or `(360,)`.
        classes: number of outputs, at least 1.
        generator: CPU generator the weights are drawn from.

    Returns:
        A module in training mode that takes float inputs `(n, *shape)` to logits `(n, classes)`, or, if it is an
        encoder, to embeddings.

    Raises:
        UsageError: `name` is unknown, `classes` is below 1, or the network cannot take `shape`.
    """
    if name not in _NETWORKS:
        raise UsageError(f"network={name!r} is unknown; choose one of {', '.join(_NETWORKS)}.")
    if classes < 1:
        raise UsageError(f"classes={classes} must be at least 1; pass the number of labels of the data set.")
    with torch.device("meta"):  # no storage yet, so nothing is drawn from the global generator
        model = _NETWORKS[name](tuple(shape), classes)
    model = model.float().to_empty(device="cpu")
    _INITIAL[name](model, generator)
    return model

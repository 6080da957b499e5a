"""Why random directions are normalised filter by filter (Li et al. 2018, section 4).

d is a direction, w the weights of a network, j one filter or neuron of one of its layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from repro.data.tensors import Split
from repro.measure.directions import ray
from repro.measure.flat import to_vector, unflatten
from repro.measure.landscape import Landscape
from repro.measure.paths import trace
from repro.theory.identity import identity, relative_gap


@identity(
    title="In a filter-normalised direction every filter is as long as the network's own",
    statement=r"\|d_j\| = \|w_j\| \text{ for every filter } j",
    source="Li et al. 2018, section 4",
    premises="the direction is normalised filter by filter, biases apart",
)
def filter_lengths(model: nn.Module, direction: Tensor) -> float:
    """Gap between the lengths of the filters in the direction and in the network.

    Args:
        model: any network; a filter is an entry of the first axis of a parameter of two axes or more.
        direction: d, shape `(p,)`, in the order of `model.parameters()`.
    """
    weights = list(model.parameters())
    return relative_gap(_lengths(unflatten(direction, weights)), _lengths(weights))


@identity(
    title="A layer made longer and the next one shorter have the same normalised curve",
    statement=r"(w_1, b_1, w_2) \to (a w_1, a b_1, w_2 / a) \;\Rightarrow\; L(w + \alpha d) \text{ is the same}",
    source="Li et al. 2018, section 4",
    premises="ReLU or nothing between the layers, one draw for both networks, normalised filter by filter",
)
def rescaled_layers(
    models: tuple[nn.Module, nn.Module], directions: tuple[Tensor, Tensor], data: Split, steps: Sequence[float]
) -> float:
    """Gap between the losses along both networks' directions.

    Args:
        models: two networks that compute one function.
        directions: d of each, shape `(p,)`.
        data: the examples of the loss.
        steps: α.
    """
    return relative_gap(*(_curve(model, d, data, steps) for model, d in zip(models, directions, strict=True)))


@identity(
    title="Filters made longer before BatchNorm have the same normalised curve",
    statement=r"w_j \to a_j w_j \;\Rightarrow\; L(w + \alpha d) \text{ is the same}",
    source="Li et al. 2018, section 4",
    premises="BatchNorm with ε = 0 follows, one draw for both networks, normalised filter by filter",
)
def rescaled_filters(
    models: tuple[nn.Module, nn.Module], directions: tuple[Tensor, Tensor], data: Split, steps: Sequence[float]
) -> float:
    """Gap between the losses along both networks' directions; arguments as in `rescaled_layers`."""
    return relative_gap(*(_curve(model, d, data, steps) for model, d in zip(models, directions, strict=True)))


def _lengths(tensors: Iterable[Tensor]) -> Tensor:
    """Of every filter of every tensor of two axes or more, one after another."""
    return torch.cat([tensor.detach().flatten(1).norm(dim=1) for tensor in tensors if tensor.ndim > 1])


def _curve(model: nn.Module, direction: Tensor, data: Split, steps: Sequence[float]) -> Tensor:
    landscape = Landscape(model, data, data)
    profile = trace(landscape, ray(to_vector(model), direction), steps)[0]
    return torch.tensor(profile.loss, dtype=torch.float64)

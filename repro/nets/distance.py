"""How far parameters have travelled, how long the last layer is, and at which updates to look."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from torch import Tensor

from repro.errors import UsageError


def parameter_distance(first: Iterable[Tensor], second: Iterable[Tensor]) -> float:
    """`‖w - w₀‖₂` over all tensors together, differences and sums in float64.

    A float32 `torch.norm` is wrong by about 1 % at ten million entries, which is why it is not used here.

    Args:
        first: w, for example `model.parameters()`.
        second: w₀, as many tensors of the same shapes in the same order.

    Raises:
        UsageError: the two do not have the same shapes.
    """
    return math.sqrt(sum(_squared_distance(w, w0) for w, w0 in _paired(first, second)))


def distance_by_module(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, float]:
    """`‖w - w₀‖₂` of each module's own parameters; their squares add up to the whole distance's square.

    Args:
        first: w by name, for example `dict(model.named_parameters())`.
        second: w₀ under the same names.

    Returns:
        The distance under each module's name, which is what stands before a parameter's last dot.

    Raises:
        UsageError: the two do not have the same names or shapes.
    """
    return by_module(squared_distances(first, second))


def squared_distances(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, float]:
    """`‖w - w₀‖₂²` of each parameter, by its name. Arguments and errors as for `distance_by_module`."""
    if first.keys() != second.keys():
        names = sorted(first.keys() ^ second.keys())
        raise UsageError(f"names={names} stand on one side only; pass two states of one network.")
    return {name: _squared_distance(w, second[name]) for name, w in first.items()}


def by_module(squares: Mapping[str, float]) -> dict[str, float]:
    """The distance of each module from the squared distances of its parameters."""
    sums: dict[str, float] = {}
    for name, square in squares.items():
        module = name.rpartition(".")[0]
        sums[module] = sums.get(module, 0.0) + square
    return {module: math.sqrt(total) for module, total in sums.items()}


def last_layer_norm(parameters: Mapping[str, Tensor]) -> float:
    """`‖w‖₂` of the module that comes last, the classifier, in float64; its norm grows where the loss can only fall so.

    Args:
        parameters: by name, in the order of the modules, as `model.named_parameters()` has them.

    Raises:
        UsageError: there are no parameters.
    """
    if not parameters:
        raise UsageError("parameters are empty, so no layer is the last; pass those of a network.")
    last = [*parameters][-1].rpartition(".")[0]
    own = (w.detach().double() for name, w in parameters.items() if name.rpartition(".")[0] == last)
    return math.sqrt(sum(float(w.square().sum()) for w in own))


def log_grid(total: int, per_decade: int) -> list[int]:
    """Update numbers from 1 to `total`, evenly spaced on a logarithmic scale, both ends among them.

    Grids of two totals agree below the smaller one, so runs of unlike lengths can be compared.

    Args:
        total: the last update, at least 1.
        per_decade: points between an update and ten times it, at least 1; the first decades hold fewer.

    Raises:
        UsageError: `total` or `per_decade` is below 1.
    """
    if total < 1 or per_decade < 1:
        raise UsageError(f"total={total} and per_decade={per_decade} must both be at least 1.")
    last = math.floor(per_decade * math.log10(total))
    points = {round(10 ** (k / per_decade)) for k in range(last + 1)}
    return sorted({point for point in points if point < total} | {total})


def _paired(first: Iterable[Tensor], second: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    left, right = list(first), list(second)
    if len(left) != len(right):
        raise UsageError(f"{len(left)} tensors cannot be compared with {len(right)}; pass two states of one network.")
    return list(zip(left, right, strict=True))


def _squared_distance(w: Tensor, w0: Tensor) -> float:
    if w.shape != w0.shape:
        raise UsageError(
            f"shapes {tuple(w.shape)} and {tuple(w0.shape)} must be equal; pass two states of one network."
        )
    return float(w.detach().double().sub_(w0.detach()).square_().sum())

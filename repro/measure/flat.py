"""A network's parameters as one flat vector, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from repro.errors import UsageError


def flatten(tensors: Iterable[Tensor]) -> Tensor:
    """All entries one after another, in the tensors' order: a new vector `(p,)` of their common dtype."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """The inverse of `flatten`: views of `vector` in the shapes of `like`.

    Args:
        vector: shape `(p,)`.
        like: tensors with p entries in all; only their shapes are read.

    Raises:
        UsageError: `vector` is not flat, or has another number of entries.
    """
    sizes = [tensor.numel() for tensor in like]
    if vector.shape != (sum(sizes),):
        raise UsageError(
            f"a vector of shape {tuple(vector.shape)} must have shape ({sum(sizes)},), one entry a parameter."
        )
    return [part.view(tensor.shape) for part, tensor in zip(torch.split(vector, sizes), like, strict=True)]


def select(model: nn.Module, names: Iterable[str] | None = None) -> dict[str, nn.Parameter]:
    """The parameters named, in the model's own order; by default all that require a gradient.

    Args:
        model: any network.
        names: as in `model.named_parameters()`, or one of them; the order given does not matter.

    Raises:
        UsageError: a name is unknown, or nothing is selected.
    """
    known = dict(model.named_parameters())
    listed = [names] if isinstance(names, str) else names
    chosen = {n for n, p in known.items() if p.requires_grad} if listed is None else set(listed)
    if unknown := sorted(chosen - known.keys()):
        raise UsageError(f"parameters {unknown} are not in the model; choose among {', '.join(known)}.")
    if not chosen:
        raise UsageError("no parameter is selected; pass names, or a model with parameters that require a gradient.")
    return {name: parameter for name, parameter in known.items() if name in chosen}


def to_vector(model: nn.Module, names: Iterable[str] | None = None) -> Tensor:
    """The selected parameters (see `select`) as a new vector `(p,)`."""
    return flatten(select(model, names).values())


def load_vector_(model: nn.Module, vector: Tensor, names: Iterable[str] | None = None) -> None:
    """Write `vector`, shape `(p,)`, into the selected parameters (see `select`), rounding it to their dtype.

    Raises:
        UsageError: `vector` is not flat, or has another number of entries.
    """
    parameters = list(select(model, names).values())
    with torch.no_grad():
        for parameter, part in zip(parameters, unflatten(vector, parameters), strict=True):
            parameter.copy_(part)

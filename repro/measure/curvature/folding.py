"""BatchNorm with fixed statistics as part of the layer before it: the same function of the same parameters, sooner.

`γ (Wx + b - μ) / σ + β = (γ/σ W) x + γ/σ (b - μ) + β`. Products with a Hessian become
cheaper, and their graphs smaller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from repro.streams import stream

State = Mapping[str, Tensor]
"""Parameters and buffers by name."""

CLOSE = 1e-6
"""Outputs or slopes that differ by more than this fraction of the largest, in float64, are those of two functions."""


class Folded:
    """`model` in evaluation mode as a function of parameters and buffers of one's own.

    A BatchNorm is folded where it follows a linear or convolutional layer in an `nn.Sequential` and normalises the axis
    that the layer maps to, both are used there alone, and no hook listens to them. All others stay as they are.

    Args:
        model: it is used, not copied, and given back as it was.
        inputs: a few examples; where the folded network has other outputs there, or other slopes, nothing is folded.
    """

    def __init__(self, model: nn.Module, inputs: Tensor) -> None:
        self._model = model
        folds = list(_folds(model))
        with torch.no_grad(), _dimensions(fold.norm for fold in folds) as seen:
            whole = model(inputs)
            # a Linear maps to the last axis, BatchNorm normalises the second: the same where there are two
            self._folds = [f for f in folds if seen.get(f.norm) == model.get_parameter(f"{f.layer}.weight").ndim]
        if not isinstance(whole, Tensor) or not self._agrees(inputs):
            self._folds = []

    def __call__(self, state: State, inputs: Tensor) -> Tensor:
        """The network's output, with the derivatives by `state` that it has as it is.

        Args:
            state: replaces the model's own parameters and buffers of these names.
            inputs: shape `(m, ...)`.
        """
        folded = {**dict(self._model.named_parameters()), **dict(self._model.named_buffers()), **state}
        for fold in self._folds:
            folded |= fold.parameters(folded)
        with self._shortened():
            output: Tensor = functional_call(self._model, folded, (inputs,))
        return output

    def _agrees(self, inputs: Tensor) -> bool:
        """Whether the network is the same function when folded: a layer may also be used out of sight."""
        if not self._folds:
            return True
        whole = _jet(self._model, partial(_as_it_is, self._model), inputs)
        folded = _jet(self._model, self, inputs)
        return all(_close(one, other) for one, other in zip(folded, whole, strict=True))

    @contextmanager
    def _shortened(self) -> Iterator[None]:
        """The network without the BatchNorm layers that are folded."""
        try:
            for fold in self._folds:
                fold.replace_norm(nn.Identity() if fold.biased else _Shift())
            yield
        finally:
            for fold in self._folds:
                fold.replace_norm(fold.norm)


def _as_it_is(model: nn.Module, state: State, inputs: Tensor) -> Tensor:
    output: Tensor = functional_call(model, dict(state), (inputs,))
    return output


def _jet(model: nn.Module, function: Callable[[State, Tensor], Tensor], inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs, and the slope of a random sum of them by all parameters, in float64."""
    exact = inputs.double() if inputs.is_floating_point() else inputs
    leaves = {name: _double(p).requires_grad_(p.is_floating_point()) for name, p in model.named_parameters()}
    buffers = {name: _double(buffer) for name, buffer in model.named_buffers()}
    with torch.enable_grad():
        output = function(buffers | leaves, exact)
        weights = torch.randn(output.shape, generator=stream(0, "folding"), dtype=torch.float64).to(output.device)
        slopes = torch.autograd.grad(output, list(leaves.values()), weights, materialize_grads=True)
    return output.detach(), torch.cat([slope.flatten() for slope in slopes])


def _double(tensor: Tensor) -> Tensor:
    return tensor.detach().double() if tensor.is_floating_point() else tensor.detach().clone()


def _close(one: Tensor, other: Tensor) -> bool:
    return bool(((one - other).abs() <= CLOSE * other.abs().max()).all())


class _Shift(nn.Module):
    """What is left of a BatchNorm after a layer without a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(0))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.bias.view(-1, *[1] * (inputs.ndim - 2))


class _Fold(NamedTuple):
    """A BatchNorm and the layer it is folded into: their names, the BatchNorm, and the Sequential that holds both."""

    layer: str
    name: str
    norm: nn.BatchNorm1d | nn.BatchNorm2d
    holder: nn.Sequential
    biased: bool

    def parameters(self, state: State) -> dict[str, Tensor]:
        """What stands in the place of the layer's weight and of its bias, or of the BatchNorm's where it has none."""
        mean, variance = (state[f"{self.name}.running_{moment}"] for moment in ("mean", "var"))
        scale = state.get(f"{self.name}.weight", 1.0) / (variance + self.norm.eps).sqrt()
        weight = state[f"{self.layer}.weight"]
        bias = state[f"{self.layer}.bias"] if self.biased else torch.zeros_like(mean)
        return {
            f"{self.layer}.weight": weight * scale.view(-1, *[1] * (weight.ndim - 1)),
            f"{self.layer if self.biased else self.name}.bias": (bias - mean) * scale
            + state.get(f"{self.name}.bias", 0.0),
        }

    def replace_norm(self, module: nn.Module) -> None:
        self.holder._modules[self.name.rpartition(".")[2]] = module


@contextmanager
def _dimensions(layers: Iterable[nn.Module]) -> Iterator[dict[nn.Module, int]]:
    """How many dimensions the input of each layer has in a forward pass."""
    seen: dict[nn.Module, int] = {}

    def note(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        seen[layer] = arguments[0].ndim

    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _folds(model: nn.Module) -> Iterator[_Fold]:
    uses = Counter(id(module) for _, module in model.named_modules(remove_duplicate=False))
    owners = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    for path, holder in model.named_modules():
        if type(holder) is not nn.Sequential:
            continue
        prefix = f"{path}." if path else ""
        for (before, layer), (after, norm) in pairwise(holder.named_children()):
            own = [*layer.parameters(recurse=False), *norm.parameters(recurse=False)]
            alone = all(uses[id(each)] == 1 and not altered(each) for each in (layer, norm))
            if _fits(layer, norm) and alone and all(owners[id(parameter)] == 1 for parameter in own):
                assert isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d))
                yield _Fold(prefix + before, prefix + after, norm, holder, layer.bias is not None)


def _fits(layer: nn.Module, norm: nn.Module) -> bool:
    kinds = {nn.Linear: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d}
    return type(norm) is kinds.get(type(layer)) and norm.running_mean is not None


def altered(module: nn.Module) -> bool:
    """Whether hooks or a `forward` of its own make a module do more, or less, than its class says."""
    return bool(module._forward_hooks or module._forward_pre_hooks) or "forward" in vars(module)

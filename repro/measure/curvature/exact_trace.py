"""The trace of the Hessian without probes, for networks that are affine in each single parameter.

In a network of linear and convolutional layers, BatchNorm with fixed statistics, ReLU and pooling, every logit is
(almost everywhere) an affine function of each one parameter. The diagonal of the Hessian is then that of its
Gauss-Newton part: `tr H = 1/N Σₙ Σ_c p_nc ‖∇(z_nc - Σ_j p_nj z_nj)‖²` (derived). That takes C backward passes, and
these carry activations only: one example's gradient in a Linear layer is an outer product, whose length is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from repro.errors import UsageError
from repro.measure.borrow import undisturbed
from repro.measure.curvature.folding import altered
from repro.measure.curvature.trace import Trace
from repro.measure.inputs import chunks
from repro.measure.losses import cross_entropy
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective, checked_point

Squares = Callable[[Tensor], Mapping[str, Tensor]]
"""Takes the derivatives by a layer's output, shape `(m, ...)`; gives for each of the layer's parameters the squared
lengths of the examples' gradients, summed."""


def exact_trace(objective: NetworkObjective, x: Tensor) -> Trace:
    """The trace of the Hessian at x, shape `(p,)`, to rounding.

    Raises:
        UsageError: the network is not affine in each parameter, or the loss not a cross-entropy; the message says why.
            Or x does not fit the objective.
    """
    if reason := why_not_exact(objective):
        raise UsageError(f"the trace is not exact here: {reason}; take hutchinson_trace.")
    x = checked_point(objective, x)
    total, examples, classes = 0.0, 0, 0
    layers = _layers(objective)
    with _listening(layers) as heard, torch.enable_grad():
        for logits, _ in objective.forward(x):
            total += sum(_squared_lengths(logits, heard, layers))
            examples, classes = examples + len(logits), logits.shape[1]
    return Trace(value=total / examples, status=Status.EXACT, cost=(1 + classes) / 3, residual=0.0, method="exact")


def why_not_exact(objective: NetworkObjective) -> str:
    """Why `exact_trace` does not hold for an objective; empty where it does."""
    if objective.loss is not cross_entropy:
        return "the loss is not repro.measure.cross_entropy"
    if objective.batchnorm != "running":
        return "BatchNorm's statistics depend on the parameters (batchnorm='batch')"
    seen: set[int] = set()
    for path, module in objective.model.named_modules(remove_duplicate=False):
        name = path or "the model"
        if type(module) not in _PIECES:
            return f"{name} is a {type(module).__name__}, not known to be piecewise affine"
        if altered(module):
            return f"{name} has hooks, or a forward of its own"
        if {key for key, _ in module.named_parameters(recurse=False)} - _parameters(module):
            return f"{name} has parameters that a {type(module).__name__} does not have"
        if isinstance(module, nn.Conv2d) and (module.groups != 1 or module.padding_mode != "zeros"):
            return f"{name} has groups or a padding of its own"
        own = [id(parameter) for parameter in module.parameters(recurse=False)]
        if seen & set(own):
            return f"{name} shares its parameters with another layer"
        seen |= set(own)
    return _misshapen(objective)


def _misshapen(objective: NetworkObjective) -> str:
    """Which shape does not fit, by one example."""
    layers = _layers(objective)
    with undisturbed(objective.model) as model, torch.no_grad(), _listening(layers) as heard:
        (one,) = chunks(model, objective.data[0][:1], 1)
        logits: Tensor = model.eval()(one)
    if logits.ndim != 2:
        return f"an example has logits of shape {tuple(logits.shape[1:])}, not one for each class"
    if any(isinstance(layer, nn.Linear) and inputs.ndim != 2 for layer, (inputs, _) in heard.items()):
        return "a Linear maps several rows an example"
    return ""


def _parameters(module: nn.Module) -> set[str]:
    return {"weight", "bias"} if _PIECES[type(module)] else set()


def _linear(_: nn.Module, inputs: Tensor) -> Squares:
    lengths = inputs.double().square().sum(1)

    def squares(slopes: Tensor) -> dict[str, Tensor]:
        back = slopes.double().square().sum(1)
        return {"weight": lengths @ back, "bias": back.sum()}

    return squares


def _convolution(layer: nn.Module, inputs: Tensor) -> Squares:
    assert isinstance(layer, nn.Conv2d)
    padded = F.pad(inputs, layer._reversed_padding_repeated_twice)  # also what `padding="same"` stands for
    columns = F.unfold(padded, layer.kernel_size, layer.dilation, 0, layer.stride).transpose(1, 2)

    def squares(slopes: Tensor) -> dict[str, Tensor]:
        back = slopes.flatten(2)
        weights = torch.bmm(back, columns)
        return {"weight": weights.double().square().sum(), "bias": back.double().sum(2).square().sum()}

    return squares


def _batchnorm(layer: nn.Module, inputs: Tensor) -> Squares:
    assert isinstance(layer, _BatchNorm)
    mean, variance = layer.running_mean, layer.running_var
    assert mean is not None
    assert variance is not None
    positions = list(range(2, inputs.ndim))
    shape = (-1, *[1] * len(positions))
    whitened = (inputs.double() - mean.double().view(shape)) / (variance.double() + layer.eps).sqrt().view(shape)

    def squares(slopes: Tensor) -> dict[str, Tensor]:
        terms = {"weight": slopes.double() * whitened, "bias": slopes.double()}
        return {name: (term.sum(positions) if positions else term).square().sum() for name, term in terms.items()}

    return squares


_PIECES: Mapping[type[nn.Module], Callable[[nn.Module, Tensor], Squares] | None] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batchnorm,
    nn.BatchNorm2d: _batchnorm,
    nn.Sequential: None,
    nn.ReLU: None,
    nn.LeakyReLU: None,
    nn.MaxPool2d: None,
    nn.AvgPool2d: None,
    nn.AdaptiveAvgPool2d: None,
    nn.Flatten: None,
    nn.Dropout: None,
    nn.Identity: None,
}
"""Layers that are piecewise affine in their input and in each parameter, and how those with parameters are measured."""


def _layers(objective: NetworkObjective) -> dict[nn.Module, list[str]]:
    """Every layer with variables of the objective, and which of its parameters they are."""
    chosen = set(objective.variables)
    found = {
        module: [name for name, _ in module.named_parameters(recurse=False) if f"{prefix}{name}" in chosen]
        for path, module in objective.model.named_modules()
        for prefix in [f"{path}." if path else ""]
    }
    return {module: names for module, names in found.items() if names}


@contextmanager
def _listening(layers: Mapping[nn.Module, list[str]]) -> Iterator[dict[nn.Module, tuple[Tensor, Tensor]]]:
    """The input and output of every layer in the last forward pass, the outputs on a graph."""
    heard: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def listen(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        heard[layer] = arguments[0].detach(), output if output.requires_grad else output.requires_grad_()
        return output.clone()  # what follows may work in place

    handles = [layer.register_forward_hook(listen) for layer in layers]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _squared_lengths(
    logits: Tensor, heard: Mapping[nn.Module, tuple[Tensor, Tensor]], layers: Mapping[nn.Module, list[str]]
) -> Iterator[float]:
    """For each class and layer the sum over examples of `p_c ‖∇(z_c - Σ_j p_j z_j)‖²`."""
    measures = [(_piece_of(layer)(layer, inputs), layers[layer]) for layer, (inputs, _) in heard.items()]
    outputs = [output for _, output in heard.values()]
    p = logits.detach().softmax(1)
    for c in range(logits.shape[1]):
        back = -p * p[:, c : c + 1].sqrt()
        back[:, c] += p[:, c].sqrt()
        slopes = torch.autograd.grad(logits, outputs, back, retain_graph=True)
        for (squares, names), slope in zip(measures, slopes, strict=True):
            found = squares(slope)
            yield sum(float(found[name]) for name in names)


def _piece_of(layer: nn.Module) -> Callable[[nn.Module, Tensor], Squares]:
    piece = _PIECES[type(layer)]
    assert piece is not None
    return piece

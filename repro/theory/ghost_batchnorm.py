"""What ghost batch normalisation shares with BatchNorm, and what sets it apart (Hoffer et al. 2017, section 4).

A batch of n examples is cut into K ghosts of nₗ examples, with means μₗ and variances vₗ (divisor nₗ).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from repro.nets.ghost_batchnorm import GhostBatchNorm, ghostify
from repro.nets.ghost_normalise import normalise_ghosts
from repro.theory.accumulation import gradient_of
from repro.theory.identity import identity, relative_gap


@identity(
    title="A ghost as large as the batch is BatchNorm, bit for bit",
    statement=r"n_1 = n \Rightarrow \operatorname{GBN}(x) = \operatorname{BN}(x)",
    source="Hoffer et al. 2017, algorithm 1 with |B_S| = |B_L|",
    premises="the ghost is at least as large as the batch",
)
def one_ghost(layer: GhostBatchNorm, inputs: Tensor, slope: Tensor) -> float:
    """Largest gap in output, gradients and running statistics after one pass; the layer is left alone.

    Args:
        layer: ghosts with a weight, a bias and running statistics.
        inputs: x, shape `(n, C)` or `(n, C, H, W)`.
        slope: the loss's gradient by the output, in the same shape.
    """
    plain = _batchnorm(layer, inputs)
    (ours, theirs) = (_passed(each, inputs, slope) for each in (copy.deepcopy(layer), plain))
    return max(relative_gap(one, other) for one, other in zip(ours, theirs, strict=True))


@identity(
    title="Outputs go along with examples that change places within their ghost, and with whole ghosts",
    statement=r"\operatorname{GBN}(x_{\pi}) = \operatorname{GBN}(x)_{\pi}",
    source="derived",
    premises="the order keeps the examples of each ghost together",
)
def equivariance(layer: GhostBatchNorm, inputs: Tensor, order: Tensor) -> float:
    """Gap between the output on reordered inputs and the reordered output.

    Args:
        layer: ghosts, in training mode.
        inputs: x, shape `(n, C, ...)`.
        order: π, indices of examples, shape `(n,)`.
    """
    return relative_gap(layer(inputs[order]), layer(inputs)[order])


@identity(
    title="On a batch whose ghosts all hold the same examples the ghosts change nothing",
    statement=r"x = (g_{\pi_1}, \dots, g_{\pi_K}) \Rightarrow \operatorname{GBN}(x) = \operatorname{BN}(x)",
    source="derived",
    premises="each ghost holds the same examples, in any order",
)
def equal_ghosts(layer: GhostBatchNorm, inputs: Tensor) -> float:
    """Gap between the outputs of GBN and of BatchNorm on inputs of shape `(n, C, ...)`."""
    return relative_gap(layer(inputs), _batchnorm(layer, inputs)(inputs))


@identity(
    title="Within a ghost each channel of the output has mean b and variance w² v / (v + ε)",
    statement=r"\bar y_l = b, \quad \tfrac{1}{n_l} \sum_i (y_i - b)^2 = w^2 v_l / (v_l + \varepsilon)",
    source="Ioffe and Szegedy 2015, algorithm 1, on each ghost",
    premises="the examples looked at are those of one ghost",
)
def output_moments(layer: GhostBatchNorm, inputs: Tensor, examined: int) -> float:
    """Largest gap in mean and variance over consecutive runs of the output.

    Args:
        layer: ghosts, in training mode, with weight and bias.
        inputs: x, shape `(n, C, ...)`.
        examined: examples in a run; in the premises the ghosts' own size.
    """
    runs = zip(torch.split(layer(inputs), examined), torch.split(inputs, examined), strict=True)
    found, expected = [], []
    for output, examples in runs:
        (mean, variance), (_, own) = _moments(output), _moments(examples)
        found += [mean - layer.bias, variance]
        expected += [torch.zeros_like(mean), layer.weight**2 * own / (own + layer.eps)]
    return relative_gap(torch.stack(found), torch.stack(expected))


@identity(
    title="The variance of a batch is the mean of its ghosts' variances and the variance of their means",
    statement=r"v = \sum_l \tfrac{n_l}{n} v_l + \sum_l \tfrac{n_l}{n} (\mu_l - \mu)^2",
    source="law of total variance; it is why averaged ghost variances lie below the variance used in evaluation",
    premises="ghosts are weighted by their examples",
)
def variance_decomposition(inputs: Tensor, ghost_size: int, shares: Tensor) -> float:
    """Gap between both sides, from the statistics by which the layer normalises.

    Args:
        inputs: x, shape `(n, C)`.
        ghost_size: examples in a ghost, at least 2; so has the last.
        shares: of each ghost, shape `(K,)`; in the premises nₗ / n.
    """
    _, means, unbiased = normalise_ghosts(inputs, None, None, ghost_size=ghost_size, eps=1e-5)
    sizes = _sizes(inputs, ghost_size)
    within = shares @ (unbiased * ((sizes - 1) / sizes).unsqueeze(1))
    between = shares @ (means - shares @ means).square()
    return relative_gap(within + between, inputs.var(0, correction=0))


@identity(
    title="Running statistics take one step of an exponential moving average for each ghost in turn",
    statement=r"r' = (1 - \eta)^K r + \sum_{i=1}^{K} \eta (1 - \eta)^{K - i} s_i, \text{ weights adding up to } 1",
    source="Hoffer et al. 2017, algorithm 1, in the consistent form of the released code",
    premises="the sequential convention",
)
def sequential_statistics(layer: GhostBatchNorm, inputs: Tensor) -> float:
    """Largest gap in running mean and variance after one pass; the layer is left alone.

    Args:
        layer: ghosts with running statistics r and momentum η, in training mode.
        inputs: x, shape `(n, C)`, in more than one ghost.
    """
    eta, parts = layer.momentum, torch.split(inputs, layer.ghost_size)
    assert eta is not None
    decay = torch.tensor([(1 - eta) ** (len(parts) - i) for i in range(len(parts) + 1)], dtype=inputs.dtype)
    weights = decay * torch.tensor([1.0, *[eta] * len(parts)], dtype=inputs.dtype)
    statistics = [(part.mean(0), part.var(0)) for part in parts]
    found = _running(_after(layer, inputs))
    gaps = [abs(1 - weights.sum().item())]
    for before, after, ghosts in zip(_running(layer), found, zip(*statistics, strict=True), strict=True):
        gaps.append(relative_gap(after, weights @ torch.stack([before, *ghosts])))
    return max(gaps)


@identity(
    title="Statistics that all ghosts share stay as they are once they are remembered",
    statement=r"s_1 = \dots = s_K = r \Rightarrow r' = r",
    source="derived; algorithm 1 of Hoffer et al. 2017 to the letter has weights that do not add up to 1",
    premises="the weights of an update add up to 1: the sequential, the divided and the averaged convention",
)
def fixed_point(layer: GhostBatchNorm, ghost: Tensor, count: int) -> float:
    """Largest gap in running mean and variance between before and after one pass; the layer is left alone.

    Args:
        layer: ghosts with running statistics, in training mode.
        ghost: the examples of each ghost, shape `(layer.ghost_size, C)`.
        count: K, ghosts in the batch.
    """
    remembering = copy.deepcopy(layer)
    for held, own in zip(_running(remembering), (ghost.mean(0), ghost.var(0)), strict=True):
        held.copy_(own)
    found = _running(_after(remembering, ghost.repeat(count, 1)))
    return max(relative_gap(after, before) for after, before in zip(found, _running(remembering), strict=True))


@identity(
    title="In evaluation an example's output does not depend on the batch it stands in",
    statement=r"\operatorname{GBN}_{\text{eval}}(x)_i = \operatorname{GBN}_{\text{eval}}(x_i)",
    source="derived; TensorFlow's virtual batches broke it (tensorflow issue 23050)",
    premises="evaluation mode",
)
def evaluation(layer: GhostBatchNorm, inputs: Tensor, chosen: Tensor) -> float:
    """Gap between the chosen examples' outputs in the batch and by themselves.

    Args:
        layer: ghosts, in the mode that is tested.
        inputs: x, shape `(n, C, ...)`.
        chosen: indices of examples, shape `(m,)`.
    """
    return relative_gap(layer(inputs)[chosen], layer(inputs[chosen]))


@identity(
    title="Accumulated over micro-batches, the gradient of BatchNorm is that of ghosts",
    statement=r"\sum_k \tfrac{n_k}{n} \nabla L_{\text{BN}}(B_k) = \nabla L_{\text{GBN}}(B_1 \cup \dots \cup B_K)",
    source="Hoffer et al. 2017, the released code; derived",
    premises="ghosts and micro-batches are the same examples, and micro-batches are weighted by them",
)
def micro_batches(model: nn.Module, inputs: Tensor, labels: Tensor, ghost_size: int, micro_batch: int) -> float:
    """Gap between the gradients of the mean cross-entropy; the model is left alone.

    Args:
        model: a network with BatchNorm, in training mode.
        inputs: shape `(n, ...)`.
        labels: classes, shape `(n,)`.
        ghost_size: examples in a ghost.
        micro_batch: examples in a micro-batch; in the premises as many.
    """
    ghosts = ghostify(copy.deepcopy(model), ghost_size)
    whole = gradient_of(ghosts, inputs, labels, len(inputs))
    return relative_gap(gradient_of(model, inputs, labels, micro_batch), whole)


def _batchnorm(layer: GhostBatchNorm, inputs: Tensor) -> nn.BatchNorm1d | nn.BatchNorm2d:
    """PyTorch's layer with the same parameters, statistics and mode."""
    kind = nn.BatchNorm2d if inputs.ndim == 4 else nn.BatchNorm1d
    plain = kind(layer.num_features, layer.eps, layer.momentum, dtype=inputs.dtype)
    plain.load_state_dict(layer.state_dict())
    return plain.train(layer.training)


def _passed(layer: _BatchNorm, inputs: Tensor, slope: Tensor) -> list[Tensor]:
    """Output, gradients by inputs and parameters, and running statistics after one pass."""
    variables = [inputs.detach().clone().requires_grad_(), *layer.parameters()]
    output = layer(variables[0])
    return [output, *torch.autograd.grad(output, variables, slope), *_running(layer)]


def _after(layer: GhostBatchNorm, inputs: Tensor) -> GhostBatchNorm:
    """A copy of the layer that has seen `inputs`."""
    other = copy.deepcopy(layer)
    other(inputs)
    return other


def _running(layer: _BatchNorm) -> tuple[Tensor, Tensor]:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return layer.running_mean, layer.running_var


def _moments(examples: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over examples and positions, divisor n; shape `(C,)` each."""
    channels = examples.transpose(0, 1).flatten(1)
    return channels.mean(1), channels.var(1, correction=0)


def _sizes(inputs: Tensor, ghost_size: int) -> Tensor:
    return torch.tensor([len(ghost) for ghost in torch.split(inputs, ghost_size)], dtype=inputs.dtype)

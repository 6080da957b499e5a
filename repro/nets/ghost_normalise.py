"""BatchNorm's own kernel on one ghost after another, each result written where it belongs.

Joining the ghosts' outputs by `torch.cat` costs two more passes over the batch, one forward and one backward. The
output and the inputs' gradient are those of `F.batch_norm` on each ghost, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from repro.nets.layout import layout_in_memory

_KERNEL = torch.ops.aten.native_batch_norm_backward
_Arguments = tuple[Any, ...]


class Normalised(NamedTuple):
    """A batch normalised by ghosts, and what each of its K ghosts was normalised by.

    Attributes:
        output: shape `(B, C, ...)`, as the inputs.
        means: of each ghost and channel, shape `(K, C)`; without gradient.
        variances: in the same order, with divisor n - 1 as BatchNorm remembers them; without gradient.
    """

    output: Tensor
    means: Tensor
    variances: Tensor


def normalise_ghosts(
    inputs: Tensor, weight: Tensor | None, bias: Tensor | None, *, ghost_size: int, eps: float
) -> Normalised:
    """`w (x - mean) / √(variance + ε) + b`, with the mean and variance (divisor n) of x's own ghost.

    Differentiable twice, in reverse mode.

    Args:
        inputs: x, shape `(B, C, ...)`, of any strides; the ghosts are `inputs.split(ghost_size)`, each with more than
            one value a channel.
        weight: w, shape `(C,)`; `None` is 1.
        bias: b, shape `(C,)`; `None` is 0.
        ghost_size: examples in a ghost.
        eps: ε, in the inputs' unit squared.
    """
    x = inputs.contiguous(memory_format=layout_in_memory(inputs))  # with other strides the kernel errs silently
    output, means, variances, *_ = _NormaliseGhosts.apply(x, weight, bias, ghost_size, eps)  # type: ignore[no-untyped-call]
    return Normalised(output, means, variances)


class _NormaliseGhosts(torch.autograd.Function):
    @staticmethod
    def forward(
        inputs: Tensor, weight: Tensor | None, bias: Tensor | None, ghost_size: int, eps: float
    ) -> tuple[Tensor, ...]:
        ghosts, output = torch.split(inputs, ghost_size), torch.empty_like(inputs)
        places = torch.split(output, ghost_size)
        precision = torch.promote_types(inputs.dtype, torch.float32) if weight is None else weight.dtype
        statistics = inputs.new_zeros(4, len(ghosts), inputs.shape[1], dtype=precision)
        for ghost, place, mean, variance, *kept in zip(ghosts, places, *statistics, strict=True):
            torch.native_batch_norm(ghost, weight, bias, mean, variance, True, 1.0, eps, out=(place, *kept))
        return output, *statistics

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        examples, weight, _, ctx.ghost_size, ctx.eps = inputs
        _, *statistics = output
        ctx.mark_non_differentiable(*statistics)
        ctx.save_for_backward(examples, weight, *statistics[2:])

    @staticmethod
    def backward(ctx: Any, slope: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, means, scales = ctx.saved_tensors
        above = slope.contiguous(memory_format=layout_in_memory(inputs))
        parts = zip(torch.split(above, ctx.ghost_size), torch.split(inputs, ctx.ghost_size), means, scales, strict=True)
        ghosts = [(up, x, weight, None, None, mean, scale, True, ctx.eps, [True] * 3) for up, x, mean, scale in parts]
        # what a second derivative watches must not be written in place
        gradients = _joined(ghosts) if torch.is_grad_enabled() else _in_place(ghosts, inputs, means)
        return *(g if needed else None for g, needed in zip(gradients, ctx.needs_input_grad, strict=False)), None, None


def _in_place(ghosts: Sequence[_Arguments], inputs: Tensor, means: Tensor) -> tuple[Tensor, ...]:
    below, weights, biases = torch.empty_like(inputs), torch.empty_like(means), torch.empty_like(means)
    places = zip(torch.split(below, len(ghosts[0][1])), weights, biases, strict=True)
    for arguments, (place, weight, bias) in zip(ghosts, places, strict=True):
        _KERNEL.out(*arguments, out0=place, out1=weight, out2=bias)
    return below, weights.sum(0), biases.sum(0)


def _joined(ghosts: Sequence[_Arguments]) -> tuple[Tensor, ...]:
    below, weights, biases = zip(*(_KERNEL(*arguments) for arguments in ghosts), strict=True)
    return torch.cat(below), torch.stack(weights).sum(0), torch.stack(biases).sum(0)

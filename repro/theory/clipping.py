"""Clipping the gradient's norm: how long a step can be, and what of the gradient is left in it.

What is run is what the training loop runs: PyTorch's `clip_grad_norm_` on all parameters together, then SGD. PyTorch
divides by `|g| + 10⁻⁶`, so a clipped gradient is shorter than the limit c by a fraction of up to `10⁻⁶ / |g|`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from repro.theory.identity import identity, relative_gap
from repro.train.optimizers import build_optimizer, set_phase
from repro.train.regime import Phase


def clipped(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """The gradients of a network's parameters after `clip_grad_norm_` on all of them; the arguments are left alone."""
    parameters = _parameters(gradients)
    nn.utils.clip_grad_norm_(parameters, limit)
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def clipped_step(gradients: Sequence[Tensor], phase: Phase) -> Tensor:
    """The step `Δw` of one update of SGD at rest with the learning rate, momentum and limit of `phase`, flat `(p,)`."""
    parameters = _parameters(clipped(gradients, phase.clip) if phase.clip is not None else gradients)
    optimizer = build_optimizer("sgd", parameters)
    set_phase(optimizer, phase)
    optimizer.step()
    return _flat([parameter.detach() for parameter in parameters])


@identity(
    title="The norm of a clipped gradient does not exceed the limit",
    statement=r"|\operatorname{clip}_c(g)| \leq c",
    source="Pascanu et al. 2013, algorithm 1",
    premises="all parameters' gradients are clipped as one vector",
)
def norm_bound(after: Sequence[Tensor], limit: float) -> float:
    """By what fraction of the limit the norm of the gradients after clipping, of any shapes, exceeds it."""
    return max(float(_flat(after).norm()) / limit - 1, 0.0)  # in this order a NaN stays one


@identity(
    title="A gradient shorter than the limit is not changed",
    statement=r"|g| + 10^{-6} \leq c \implies \operatorname{clip}_c(g) = g",
    source="Pascanu et al. 2013, algorithm 1; the 1e-6 is PyTorch's",
    premises="the norm is below the limit by 1e-6 or more",
)
def short_gradients(gradients: Sequence[Tensor], limit: float) -> float:
    """Gap between the gradients after and before clipping."""
    return relative_gap(_flat(clipped(gradients, limit)), _flat(gradients))


@identity(
    title="A step on a clipped gradient has the length ηc, and of the gradient only the direction",
    statement=r"|g| \geq c \implies \Delta w = -\eta c \frac{g}{|g|}",
    source="Hoffer et al. 2017, on clipping in place of a warm-up; derived",
    premises="the gradient is at least as long as the limit; its step is the first or without momentum",
)
def direction_only(step: Tensor, gradients: Sequence[Tensor], learning_rate: float, limit: float) -> float:
    """Gap between the step of one update, flat `(p,)`, and `-ηc g/|g|`; the gradients are those before clipping."""
    g = _flat(gradients)
    return relative_gap(step, -learning_rate * limit * g / g.norm())


def _parameters(gradients: Sequence[Tensor]) -> list[nn.Parameter]:
    """Parameters at 0 with copies of these gradients."""
    parameters = [nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    return parameters


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])

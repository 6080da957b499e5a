"""What follows for weights whose length the loss does not see, such as those before BatchNorm.

w holds the weights of m filters, one after another; D multiplies each filter by a factor of its own, above 0. g and H
are the gradient and the Hessian of the loss L at the point in brackets, η the learning rate, λ the weight decay.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from repro.measure.objective import Objective
from repro.theory.identity import identity, relative_gap
from repro.train.optimizers import build_optimizer

INVARIANT = "the loss does not change with a filter's length: BatchNorm with ε = 0 in training mode follows"


def scaled(point: Tensor, factors: Tensor) -> Tensor:
    """`D w`: each filter times its factor.

    Args:
        point: w, shape `(p,)`.
        factors: one of each filter, shape `(m,)`, m a divisor of p.
    """
    return (point.view(len(factors), -1) * factors.unsqueeze(1)).flatten()


def sgd_path(objective: Objective, start: Tensor, rates: Sequence[float], decay: float = 0.0) -> Tensor:
    """The points `w ← w - η (g(w) + λ w)` that training's own optimiser passes, shape `(len(rates) + 1, p)`.

    Args:
        objective: the loss.
        start: w at first, shape `(p,)`.
        rates: η of each update.
        decay: λ.
    """
    w = nn.Parameter(start.double().clone())
    optimizer = build_optimizer("sgd", [w])
    points = [w.detach().clone()]
    for rate in rates:
        w.grad = objective.value_and_grad(w.detach())[1]
        optimizer.param_groups[0].update(lr=rate, weight_decay=decay)
        optimizer.step()
        points.append(w.detach().clone())
    return torch.stack(points)


@identity(
    title="The loss does not change with the length of a filter's weights",
    statement=r"L(D w) = L(w)",
    source="Ioffe and Szegedy 2015, section 3.3",
    premises="BatchNorm with ε = 0 in training mode follows",
)
def loss(objective: Objective, point: Tensor, factors: Tensor) -> float:
    """Gap between the loss at D w and at w; shapes as in `scaled`."""
    return relative_gap(objective.value(scaled(point, factors)), objective.value(point))


@identity(
    title="The gradient falls as a filter's weights grow",
    statement=r"g(D w) = D^{-1} g(w)",
    source="Ioffe and Szegedy 2015, section 3.3",
    premises=INVARIANT,
)
def gradient(objective: Objective, point: Tensor, factors: Tensor) -> float:
    """Gap between `D g(D w)` and g(w); shapes as in `scaled`."""
    _, slope = objective.value_and_grad(scaled(point, factors))
    return relative_gap(scaled(slope, factors), objective.value_and_grad(point)[1])


@identity(
    title="The Hessian falls with the square of the weights' length",
    statement=r"H(D w) = D^{-1} H(w) D^{-1}",
    source="derived from the gradient's; it is why sharpness alone says nothing of such weights",
    premises=INVARIANT,
)
def hessian(objective: Objective, point: Tensor, factors: Tensor, direction: Tensor) -> float:
    """Gap between `D H(D w) D u` and `H(w) u`, with u the direction, shape `(p,)`; other shapes as in `scaled`."""
    product = objective.hvp(scaled(point, factors), scaled(direction, factors))
    return relative_gap(scaled(product, factors), objective.hvp(point, direction))


@identity(
    title="The gradient is orthogonal to each filter's weights",
    statement=r"\langle w_f, g_f \rangle = 0 \text{ for every filter } f",
    source="Arora, Li and Lyu 2018; Euler's theorem for a function of degree 0",
    premises=INVARIANT,
)
def orthogonality(objective: Objective, point: Tensor, filters: int) -> float:
    """Largest `|⟨w_f, g_f⟩|` as a fraction of the largest `‖w_f‖ ‖g_f‖`; w has shape `(p,)`, filters divide p."""
    _, slope = objective.value_and_grad(point)
    w, g = point.view(filters, -1), slope.view(filters, -1)
    return float((w * g).sum(1).abs().max() / (w.norm(dim=1) * g.norm(dim=1)).max())


@identity(
    title="The Hessian takes the weights to the negative gradient",
    statement=r"H(w) C w = -C g(w) \text{ for } C \text{ with one factor, of any sign, for each filter}",
    source="derived; Euler's theorem for the gradient, which has degree -1",
    premises=INVARIANT,
)
def hessian_along_weights(objective: Objective, point: Tensor, factors: Tensor) -> float:
    """Gap between `H C w` and `-C g`; shapes as in `scaled`, factors of any sign."""
    product = objective.hvp(point, scaled(point, factors))
    return relative_gap(product, -scaled(objective.value_and_grad(point)[1], factors))


@identity(
    title="Each update of gradient descent lengthens each filter, by Pythagoras",
    statement=r"\|w'_f\|^2 = \|w_f\|^2 + \eta^2 \|g_f\|^2",
    source="Arora, Li and Lyu 2018; derived from orthogonality",
    premises=INVARIANT + "; no weight decay",
)
def growth(objective: Objective, point: Tensor, filters: int, rate: float, decay: float) -> float:
    """Gap between the growth of the filters' squared lengths and `η² ‖g_f‖²`.

    Args:
        objective: the loss.
        point: w, shape `(p,)`.
        filters: m, a divisor of p.
        rate: η.
        decay: λ; in the premises 0.
    """
    before, after = sgd_path(objective, point, [rate], decay).square().view(2, filters, -1).sum(2)
    _, slope = objective.value_and_grad(point)
    return relative_gap(after - before, rate**2 * slope.square().view(filters, -1).sum(1))


@identity(
    title="Weights a times as long follow the same path at a learning rate a² times as large",
    statement=r"w_0 \to a w_0, \; \eta \to a^2 \eta \;\Rightarrow\; w_t \to a w_t",
    source="van Laarhoven 2017; hence the effective learning rate η / ‖w‖²",
    premises=INVARIANT + "; the learning rate is scaled by a²",
)
def effective_rate(objective: Objective, point: Tensor, rates: Sequence[float], scale: float, faster: float) -> float:
    """Gap between the path from a w, divided by a, and the path from w.

    Args:
        objective: the loss.
        point: w, shape `(p,)`.
        rates: η of each update from w.
        scale: a, above 0.
        faster: by what the rates from a w are multiplied; in the premises a².
    """
    longer = sgd_path(objective, scale * point, [faster * rate for rate in rates])
    return relative_gap(longer / scale, sgd_path(objective, point, rates))


@identity(
    title="Weight decay is a learning rate that grows at every update",
    statement=r"w_t = (1 - \eta\lambda)^t v_t, \; v_{t+1} = v_t - \eta (1 - \eta\lambda)^{-2t-1} g(v_t)",
    source="Li and Arora 2019 (arXiv 1910.07454), without momentum; derived",
    premises=INVARIANT,
)
def decay_is_a_growing_rate(objective: Objective, point: Tensor, rate: float, decay: float, updates: int) -> float:
    """Gap between the path with decay, rescaled, and the path without, whose rates grow.

    Args:
        objective: the loss.
        point: w and v at first, shape `(p,)`.
        rate: η, with η λ below 1.
        decay: λ.
        updates: T.
    """
    shrinkage = 1 - rate * decay
    decayed = sgd_path(objective, point, [rate] * updates, decay)
    grown = sgd_path(objective, point, [rate * shrinkage ** (-2 * t - 1) for t in range(updates)])
    lengths = shrinkage ** torch.arange(updates + 1, dtype=torch.float64)
    return relative_gap(decayed / lengths.unsqueeze(1), grown)


@identity(
    title="Weight decay holds the weights at the length where it takes away what an update adds",
    statement=r"\|w\|^4 \to \frac{\eta \|\tilde g\|^2}{\lambda (2 - \eta\lambda)}, \; \tilde g = \|w\| g(w);"
    r" \text{ so } \frac{\eta}{\|w\|^2} \to \frac{\sqrt{\eta\lambda (2 - \eta\lambda)}}{\|\tilde g\|}",
    source="van Laarhoven 2017 and Wan et al. 2020 (arXiv 2006.08419); the exact fixed point is derived",
    premises="the loss does not change with the weights' length, and g̃ has one length everywhere",
)
def equilibrium(objective: Objective, point: Tensor, rate: float, decay: float, updates: int) -> float:
    """Gap between `‖w‖⁴` after many updates and its limit.

    Args:
        objective: the loss.
        point: w at first, shape `(p,)`.
        rate: η, with η λ below 1.
        decay: λ.
        updates: some multiple of 1 / (η λ), the time the weights' length takes.
    """
    last = sgd_path(objective, point, [rate] * updates, decay)[-1]
    squared = last.square().sum()
    _, slope = objective.value_and_grad(last)
    limit = rate * squared * slope.square().sum() / (decay * (2 - rate * decay))
    return relative_gap(squared**2, limit)

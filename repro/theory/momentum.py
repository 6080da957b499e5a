"""Momentum: what one gradient does in all, what is lost at the start, and how much noise is left in the end.

The heavy ball is `v ← m v + g`, `w ← w - η v`, as the package's SGD does it; it is that optimiser which is run here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repro.theory.identity import identity, relative_gap
from repro.train.noise_scale import lost_updates
from repro.train.optimizers import build_optimizer, set_phase
from repro.train.regime import Phase


def places(gradients: Tensor, phase: Phase, wiped_every: int | None = None) -> Tensor:
    """Where SGD stands after each of the given gradients; it begins at 0 and at rest.

    Args:
        gradients: shape `(updates, p)`.
        phase: η and m.
        wiped_every: updates after which the velocity is forgotten, again and again; `None` for never.

    Returns:
        Shape `(updates, p)`.
    """
    weights = nn.Parameter(torch.zeros_like(gradients[0]))
    optimizer = build_optimizer("sgd", [weights])
    set_phase(optimizer, phase)
    reached = []
    for update, gradient in enumerate(gradients):
        if wiped_every and update % wiped_every == 0:
            optimizer.state.clear()
        weights.grad = gradient
        optimizer.step()
        reached.append(weights.detach().clone())
    return torch.stack(reached)


def linear_update(phase: Phase, curvature: float) -> tuple[Tensor, Tensor]:
    """One update of SGD on `½hw²` with gradient noise ξ as a linear map, `(w, v) ↦ A (w, v) + b ξ`.

    Found by one update from each of `(w, v, ξ) = (1, 0, 0), (0, 1, 0), (0, 0, 1)`; v is `(w - w_next) / η`.

    Args:
        phase: η and m.
        curvature: h, in loss per squared unit of weight.

    Returns:
        A of shape `(2, 2)` and b of shape `(2,)`.
    """
    before, velocity, noise = torch.eye(3, dtype=torch.float64)
    weights = nn.Parameter(before.clone())
    optimizer = build_optimizer("sgd", [weights])
    set_phase(optimizer, phase)
    optimizer.state[weights]["momentum_buffer"] = velocity
    weights.grad = curvature * before + noise
    optimizer.step()
    after = weights.detach()
    columns = torch.stack([after, (before - after) / phase.learning_rate])
    return columns[:, :2], columns[:, 2]


def moments(phase: Phase, curvature: float, noise_variance: float, start: float, updates: int) -> Tensor:
    """The mean and the variance of w after each update on `½hw²`, from a point at rest; exact for white noise.

    Args:
        phase: η and m.
        curvature: h.
        noise_variance: variance of the gradient of a step.
        start: w before the first update.
        updates: how many.

    Returns:
        Shape `(updates, 2)`.
    """
    A, b = linear_update(phase, curvature)
    mean, spread = torch.tensor([start, 0.0], dtype=A.dtype), torch.zeros_like(A)
    found = []
    for _ in range(updates):
        mean, spread = A @ mean, A @ spread @ A.T + noise_variance * b.outer(b)
        found.append(torch.stack([mean[0], spread[0, 0]]))
    return torch.stack(found)


def stationary_variance_of(phase: Phase, curvature: float, noise_variance: float) -> float:
    """The variance of w in the long run: that Σ solves `Σ = A Σ Aᵀ + s b bᵀ`, the discrete Lyapunov equation.

    Args:
        phase: η and m, with ηh below 2(1 + m).
        curvature: h.
        noise_variance: s, variance of the gradient of a step.
    """
    A, b = linear_update(phase, curvature)
    kept = torch.eye(4, dtype=A.dtype) - torch.kron(A, A)
    return float(torch.linalg.solve(kept, noise_variance * torch.kron(b, b))[0])


@identity(
    title="One gradient moves the weights by the effective learning rate η/(1 - m) in the end",
    statement=r"g_1 = g,\ g_2 = g_3 = \dots = 0 \implies w_T = -\eta \frac{1 - m^T}{1 - m} g"
    r" \to -\frac{\eta}{1 - m} g",
    source="Smith et al. 2018, on the effective learning rate η/(1 - m); derived",
    premises="heavy ball without damping, at rest at first and never wiped",
)
def impulse_response(path: Tensor, impulse: Tensor, phase: Phase) -> float:
    """Gap between a path from 0, shape `(updates, p)`, and that which follows from one gradient, shape `(p,)`."""
    done = torch.arange(1, len(path) + 1, dtype=path.dtype)
    m = phase.momentum
    return relative_gap(path, -phase.learning_rate * ((1 - m**done) / (1 - m)).outer(impulse))


@identity(
    title="Under a constant gradient momentum suppresses the early updates, as if m/(1 - m) of them had not been done",
    statement=r"w_T = -\frac{\eta}{1 - m} \left( T - m \frac{1 - m^T}{1 - m} \right) g",
    source="Smith et al. 2018, on the momentum coefficient; derived",
    premises="the velocity is 0 at first, the gradient does not change",
)
def suppressed_updates(path: Tensor, gradient: Tensor, phase: Phase) -> float:
    """Gap between a path from 0, shape `(updates, p)`, and that of the same gradient, shape `(p,)`, at every update."""
    counted = path.new_tensor([_counted(phase, done) for done in range(1, len(path) + 1)])
    return relative_gap(path, -phase.learning_rate * counted.outer(gradient))


@identity(
    title="Where momentum is wiped every T updates, the early updates are suppressed in each epoch anew",
    statement=r"w_{kT} = -k \frac{\eta}{1 - m} \left( T - m \frac{1 - m^T}{1 - m} \right) g",
    source="the code of Hoffer et al. 2017, which builds its optimiser anew in every epoch; derived",
    premises="the velocity is set to 0 after every T updates, the gradient does not change",
)
def wiped_momentum(path: Tensor, gradient: Tensor, phase: Phase, epoch: int) -> float:
    """Gap between the ends of epochs of a path from 0 and the formula.

    Args:
        path: shape `(updates, p)`, whole epochs.
        gradient: g, shape `(p,)`.
        phase: η and m.
        epoch: T, updates in an epoch.
    """
    ends = path[epoch - 1 :: epoch]
    epochs = torch.arange(1, len(ends) + 1, dtype=path.dtype)
    return relative_gap(ends, -phase.learning_rate * _counted(phase, epoch) * epochs.outer(gradient))


@identity(
    title="On a quadratic, momentum widens the stationary distribution as its effective learning rate does",
    statement=r"\operatorname{Var}(w) = \frac{\eta s (1 + m)}{(1 - m) h (2 (1 + m) - \eta h)}"
    r" \to \frac{\eta s}{2 h (1 - m)} \text{ as } \eta h \to 0",
    source="derived from the discrete Lyapunov equation; without momentum η s / (h (2 - ηh))",
    premises="noise of variance s that is new in every step, ηh < 2(1 + m), and long after the start",
)
def stationary_variance(variance: float, phase: Phase, curvature: float, noise_variance: float) -> float:
    """Gap between the variance of w and the formula.

    Args:
        variance: of w, in squared units of weight.
        phase: η and m.
        curvature: h.
        noise_variance: s, variance of the gradient of a step.
    """
    rate, m, h = phase.learning_rate, phase.momentum, curvature
    return relative_gap(variance, rate * noise_variance * (1 + m) / ((1 - m) * h * (2 * (1 + m) - rate * h)))


def _counted(phase: Phase, done: int) -> float:
    """`(T - m (1 - mᵀ)/(1 - m)) / (1 - m)` for T updates done at a constant gradient from rest."""
    return (done - lost_updates(phase, done)) / (1 - phase.momentum)

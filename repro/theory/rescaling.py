"""The scales of a ReLU network's layers can be traded for each other: what that does to sharpness and to the Hessian.

`T_a: (θ₁, θ₂) -> (aθ₁, θ₂/a)` multiplies the parameters x by a positive diagonal D, with `f(Dx) = f(x)` for every x
(Dinh et al. 2017). Maxima are taken over the corners of a box, which D maps to the corners of another; while no hidden
unit switches on or off in it, the loss is convex in each variable and they are those over the whole box.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from repro.measure.adaptive import adaptive_box
from repro.measure.box import Box, keskar_box
from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.objective import Objective
from repro.measure.sharpness import sharpness_in_box
from repro.theory.corners import highest_corner
from repro.theory.identity import identity, relative_gap


def diagonal(factors: Tensor, inputs: int, outputs: int) -> Tensor:
    """The diagonal d of D for one hidden layer, in the order of `[W₁, b₁, W₂]`: shape `(h * (inputs + 1 + outputs),)`.

    Args:
        factors: a for each hidden unit, positive, dimensionless, shape `(h,)`; T_a has the same a for all.
        inputs: of each hidden unit; W₁ has shape `(h, inputs)`.
        outputs: of the layer after it; W₂ has shape `(outputs, h)`.
    """
    return torch.cat([factors.repeat_interleave(inputs), factors, (1 / factors).repeat(outputs)])


@identity(
    title="A ReLU network computes the same function when a hidden unit's inputs are scaled up and its outputs down",
    statement=r"f(D x) = f(x) \text{ for every } x, \quad D = \operatorname{diag}(a, \dots, 1/a, \dots), \; a > 0",
    source="Dinh et al. 2017, T_α, here for each unit",
    premises="the activation is positively homogeneous; a unit's bias is scaled with its weights",
)
def same_function(objective: Objective, points: Tensor, d: Tensor) -> float:
    """Gap between the losses at Dx and at x, for several x.

    Args:
        objective: f.
        points: x, shape `(m, p)`.
        d: diagonal of D, shape `(p,)`.
    """
    losses = torch.tensor([[objective.value(d * x), objective.value(x)] for x in points], dtype=torch.float64)
    return relative_gap(losses[:, 0], losses[:, 1])


@identity(
    title="Metric 2.1 of a rescaled network is the rise of the original one in a box of another shape",
    statement=r"\phi(Dx; \epsilon) = \frac{100}{1 + f(x)}"
    r"\Big(\max_{|u_i| \le \epsilon (|x_i| + 1/d_i)} f(x + u) - f(x)\Big)",
    source="Dinh et al. 2017, T_α, in the box of Keskar et al. 2017, eq. 3; derived",
    premises="f(Dx) = f(x) for every x",
)
def metric(objective: Objective, x: Tensor, d: Tensor, eps: float) -> float:
    """Gap between Metric 2.1 at Dx and the rise at x in the box with 1/d in place of 1.

    Args:
        objective: f, of few variables.
        x: shape `(p,)`.
        d: diagonal of D, shape `(p,)`.
        eps: size ε of the box, dimensionless.
    """
    rescaled = sharpness_in_box(objective, d * x, keskar_box(d * x, eps), highest_corner)
    reshaped = sharpness_in_box(objective, x, Box.around(x, eps * (x.abs() + 1 / d)), highest_corner)
    return relative_gap(rescaled.value, reshaped.value)


@identity(
    title="Adaptive sharpness is the same for a network and for its rescaling",
    statement=r"\max_{|u_i| \le \epsilon |d_i x_i|} f(Dx + u) = \max_{|u_i| \le \epsilon |x_i|} f(x + u)",
    source="Kwon et al. 2021 (ASAM), for T = diag |x| and the maximum norm",
    premises="f(Dx) = f(x) for every x; the box has no constant, neither Keskar's + 1 nor the + η of ASAM's code",
)
def adaptive(
    objective: Objective, x: Tensor, d: Tensor, eps: float, box: Callable[[Tensor, float], Box] = adaptive_box
) -> float:
    """Gap between the sharpness at Dx and at x.

    Args:
        objective: f, of few variables.
        x: shape `(p,)`.
        d: diagonal of D, shape `(p,)`.
        eps: size ε of the box, dimensionless.
        box: takes x and ε.
    """
    rescaled, plain = (
        sharpness_in_box(objective, point, box(point, eps), highest_corner).value for point in (d * x, x)
    )
    return relative_gap(rescaled, plain)


@identity(
    title="Rescaling a network divides each entry of its Hessian by the two scales that it belongs to",
    statement=r"H(Dx) = D^{-1} H(x) D^{-1}",
    source="Dinh et al. 2017, T_α; the chain rule",
    premises="f(Dx) = f(x) for every x; f is twice differentiable at x",
)
def rescaled_hessian(objective: Objective, x: Tensor, d: Tensor) -> float:
    """Gap between `D H(Dx) D` and H(x); d is the diagonal of D, shape `(p,)`."""
    rescaled, plain = (dense(CurvatureOperator(objective, point)) for point in (d * x, x))
    return relative_gap(rescaled * d.outer(d), plain)


@identity(
    title="The trace of the Hessian has no bound along the rescalings of a network",
    statement=r"\operatorname{tr} H(T_a x) = \tfrac{1}{a^2} \operatorname{tr} H_{11} + a^2 \operatorname{tr} H_{22}",
    source="Dinh et al. 2017, T_α; the chain rule",
    premises="f(T_a x) = f(x) for every x; θ₁ and θ₂ are all parameters",
)
def trace(objective: Objective, x: Tensor, first: Tensor, factor: float) -> float:
    """Gap between the trace at `T_a x` and the sum of those of the diagonal blocks at x.

    Args:
        objective: f.
        x: shape `(p,)`.
        first: whether a parameter belongs to θ₁, bool, shape `(p,)`.
        factor: a, positive, dimensionless.
    """
    moved = torch.where(first, factor * x, x / factor)
    rescaled, plain = (dense(CurvatureOperator(objective, point)).diagonal() for point in (moved, x))
    return relative_gap(rescaled.sum(), plain[first].sum() / factor**2 + plain[~first].sum() * factor**2)


@identity(
    title="The top eigenvalue of the Hessian grows as a² along the rescalings of a network",
    statement=r"\lambda_{\max}(H(T_a x)) / a^2 \to \lambda_{\max}(H_{22}) \text{ as } a \to \infty",
    source="Dinh et al. 2017, T_α; the chain rule",
    premises="f(T_a x) = f(x) for every x; H₂₂ has a positive eigenvalue; a is large",
)
def top_eigenvalue(objective: Objective, x: Tensor, first: Tensor, factor: float) -> float:
    """Gap between the top eigenvalue at `T_a x`, divided by a², and that of H₂₂ at x; arguments as for `trace`."""
    moved = torch.where(first, factor * x, x / factor)
    rescaled, plain = (dense(CurvatureOperator(objective, point)) for point in (moved, x))
    top, limit = (torch.linalg.eigvalsh(matrix)[-1] for matrix in (rescaled, plain[~first][:, ~first]))
    return relative_gap(top / factor**2, limit)

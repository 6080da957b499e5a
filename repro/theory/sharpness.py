"""Keskar's sharpness as it is defined: what holds of Metric 2.1 for every function, and where its value is known.

`φ = 100 (max f(x + u) - f(x)) / (1 + f(x))` over the box `|uᵢ| ≤ bᵢ = ε(|xᵢ| + 1)` (Keskar et al. 2017, eqs. 3 and 4).
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.measure.adaptive import adaptive_sharpness
from repro.measure.box import Box, keskar_box
from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.manifold import Manifold, OnManifold, manifold_box
from repro.measure.objective import Objective
from repro.measure.quadratic import Quadratic
from repro.measure.sharpness import Maximiser, Sharpness, sharpness, sharpness_in_box
from repro.theory.corners import corners, highest_corner
from repro.theory.identity import identity, relative_gap

BUDGET = 20
"""Full-data gradients for a search: enough where the gradient at x points to the highest corner."""


def at_corners(objective: Objective, x: Tensor, eps: float, manifold: Manifold | None = None) -> float:
    """Metric 2.1 with the maximum over all corners of the box, which is exact for a function convex in each variable.

    Args:
        objective: f, of few variables unless there is a manifold of few.
        x: shape `(n,)`.
        eps: size ε of the box, dimensionless.
        manifold: A; `None` is the full space.
    """
    if manifold is None:
        return sharpness_in_box(objective, x, keskar_box(x, eps), highest_corner).value
    inner, zero = OnManifold(objective, x, manifold), torch.zeros(manifold.columns, dtype=torch.float64)
    return sharpness_in_box(inner, zero, manifold_box(manifold, x, eps), highest_corner).value


def rise(found: Sharpness) -> float:
    """`φ / 100`, a fraction of 1 + f(x), from the highest value that was evaluated: known where a search FAILED too."""
    return (found.maximum - found.loss) / (1 + found.loss)


@identity(
    title="Sharpness is never negative",
    statement=r"\phi_{x,f}(\epsilon) \ge 0",
    source="Keskar et al. 2017, Metric 2.1; derived",
    premises="x itself counts among the points over which the maximum is taken; f(x) > -1",
)
def non_negative(objective: Objective, x: Tensor, eps: float, search: Maximiser) -> float:
    """By how much sharpness lies below zero, as a fraction of 1 + f(x).

    Args:
        objective: f.
        x: shape `(p,)`.
        eps: size ε of the box, dimensionless.
        search: for the maximum.
    """
    return max(-rise(sharpness_in_box(objective, x, keskar_box(x, eps), search)), 0.0)


@identity(
    title="Sharpness never falls when the box grows",
    statement=r"\epsilon \le \epsilon' \Rightarrow \phi_{x,f}(\epsilon) \le \phi_{x,f}(\epsilon')",
    source="Keskar et al. 2017, Metric 2.1: the boxes are nested; derived",
    premises="the maximum is exact",
)
def monotone(objective: Objective, x: Tensor, small: float, large: float, search: Maximiser) -> float:
    """By which fraction of itself the sharpness in the smaller box exceeds that in the larger one.

    Args:
        objective: f.
        x: shape `(p,)`.
        small: ε, dimensionless.
        large: ε', dimensionless.
        search: for the maximum.
    """
    inner, outer = (rise(sharpness_in_box(objective, x, keskar_box(x, eps), search)) for eps in (small, large))
    return max(1 - outer / inner, 0.0)


@identity(
    title="The order of a layer's hidden units does not matter to sharpness",
    statement=r"f(Px) = f(x) \text{ for every } x \Rightarrow \phi_{Px,f}(\epsilon) = \phi_{x,f}(\epsilon)",
    source="Keskar et al. 2017, Metric 2.1 with A = I; derived",
    premises="f(Px) = f(x) for every x, P a permutation; the box is that of the full space",
)
def permutation(objective: Objective, x: Tensor, order: Tensor, eps: float, manifold: Manifold | None = None) -> float:
    """Gap between the sharpness at Px and at x.

    Args:
        objective: f.
        x: shape `(p,)`.
        order: indices of the parameters as P puts them, shape `(p,)`.
        eps: size ε of the box, dimensionless.
        manifold: A; `None` is the full space.
    """
    permuted, plain = (at_corners(objective, point, eps, manifold) for point in (x[order], x))
    return relative_gap(permuted, plain)


@identity(
    title="Parameters without influence on the loss do not matter to sharpness",
    statement=r"\tilde f(x, y) = f(x) \Rightarrow \phi_{(x, y),\tilde f}(\epsilon) = \phi_{x,f}(\epsilon)",
    source="Keskar et al. 2017, Metric 2.1 with A = I; derived",
    premises="the box is that of the full space",
)
def dead_parameters(alive: Quadratic, x: Tensor, dead: Tensor, eps: float, manifold: Manifold | None = None) -> float:
    """Gap between the sharpness with the dead parameters and without.

    Args:
        alive: f, with a dense Hessian.
        x: shape `(p,)`.
        dead: y, shape `(q,)`.
        eps: size ε of the box, dimensionless.
        manifold: A, with `p + q` rows; without the dead parameters its first p are used. `None` is the full space.
    """
    total = len(x) + len(dead)
    gradient, hessian = torch.zeros(total, dtype=torch.float64), torch.zeros(total, total, dtype=torch.float64)
    gradient[: len(x)], hessian[: len(x), : len(x)] = alive.gradient, alive.hessian
    padded = Quadratic(gradient, hessian, alive.constant)
    whole = at_corners(padded, torch.cat([x, dead]), eps, manifold)
    part = at_corners(alive, x, eps, manifold and Manifold(manifold.matrix[: len(x)]))
    return relative_gap(whole, part)


@identity(
    title="On the manifold of the identity matrix sharpness is that of the full space",
    statement=r"\phi_{x,f}(\epsilon, I_n) = \phi_{x,f}(\epsilon)",
    source="Keskar et al. 2017, Metric 2.1",
    premises="A = I; the search finds the maximum",
)
def identity_matrix(objective: Objective, x: Tensor, eps: float, manifold: Manifold) -> float:
    """Gap between the sharpness on the manifold, of matrix A, and in the full space.

    Args:
        objective: f.
        x: shape `(n,)`.
        eps: size ε of the box, dimensionless.
        manifold: A, shape `(n, p)`.
    """
    inside, full = (sharpness(objective, x, eps, manifold=a, budget=BUDGET).value for a in (manifold, None))
    return relative_gap(inside, full)


@identity(
    title="The lengths of A's columns replace the one in Keskar's box",
    statement=r"\phi_{x,f}(\epsilon, A \operatorname{diag}(c)) = \frac{100}{1 + f(x)}"
    r"\Big(\max_{|w_i| \le \epsilon (|(A^+ x)_i| + c_i)} f(x + A w) - f(x)\Big), \quad c > 0",
    source="Keskar et al. 2017, Metric 2.1; derived",
    premises="the columns of A are linearly independent",
)
def scaled_columns(objective: Objective, x: Tensor, eps: float, manifold: Manifold, factors: Tensor) -> float:
    """Gap between the sharpness on the manifold of `A diag(c)` and the rise on that of A in the box with c.

    Args:
        objective: f.
        x: shape `(n,)`.
        eps: size ε of the box, dimensionless.
        manifold: A, shape `(n, p)`, p small.
        factors: c, positive, dimensionless, shape `(p,)`.
    """
    scaled = at_corners(objective, x, eps, Manifold(manifold.matrix * factors))
    radius = eps * (manifold.coordinates(x).abs() + factors)
    inner, zero = OnManifold(objective, x, manifold), torch.zeros_like(radius)
    return relative_gap(scaled, sharpness_in_box(inner, zero, Box(-radius, radius), highest_corner).value)


@identity(
    title="Sharpness of a separable convex quadratic is a sum over its variables",
    statement=r"\phi_{x,f}(\epsilon) = \frac{100}{1 + f(x)} \sum_i \big(|g_i| b_i + \tfrac12 h_i b_i^2\big),"
    r"\quad b_i = \epsilon (|x_i| + 1)",
    source="Keskar et al. 2017, Metric 2.1; derived",
    premises="the Hessian is diagonal, its entries h are not negative",
)
def separable(objective: Quadratic, x: Tensor, eps: float) -> float:
    """Gap between sharpness and the sum, in which g is the gradient at x and h the diagonal of the Hessian.

    Args:
        objective: f, its Hessian as a matrix.
        x: shape `(p,)`.
        eps: size ε of the box, dimensionless.
    """
    loss, g = objective.value_and_grad(x)
    b = eps * (x.abs() + 1)
    total = (g.abs() * b + objective.hessian.diagonal() * b**2 / 2).sum()
    return relative_gap(sharpness(objective, x, eps, budget=BUDGET).value, 100 * total / (1 + loss))


@identity(
    title="At a stationary point the sharpness of a small box is the largest second-order rise to its corners",
    statement=r"\frac{\phi_{x,f}(\epsilon)}{100} \to"
    r"\frac{1}{1 + f(x)} \max_{|u_i| = \epsilon (|x_i| + 1)} \tfrac12 u^\top H u \text{ as } \epsilon \to 0",
    source="Keskar et al. 2017, section 2.2.2, in words; derived",
    premises="the gradient at x is zero; H has no negative eigenvalue and is not zero; ε is small",
)
def curvature(objective: Objective, x: Tensor, eps: float) -> float:
    """Gap between sharpness and the second-order rise; of the order of ε.

    Args:
        objective: f, of few variables.
        x: shape `(p,)`.
        eps: size ε of the box, dimensionless.
    """
    hessian, u = dense(CurvatureOperator(objective, x)), corners(keskar_box(x, eps)) - x
    highest = torch.einsum("ci,ij,cj->c", u, hessian, u).max() / 2
    return relative_gap(at_corners(objective, x, eps), 100 * highest / (1 + objective.value(x)))


@identity(
    title="At a stationary point of one curved direction sharpness is its eigenvalue times a weighted length",
    statement=r"\frac{\phi_{x,f}(\epsilon)}{100} ="
    r"\frac{\epsilon^2 \lambda_1}{2 (1 + f(x))} \Big(\sum_i |v_{1i}| (|x_i| + 1)\Big)^2",
    source="Keskar et al. 2017, section 2.2.2, relates the two in words; derived",
    premises="f is quadratic, its gradient at x is zero; no eigenvalue but λ₁ > 0 differs from zero",
)
def rank_one(objective: Quadratic, x: Tensor, eps: float) -> float:
    """Gap between sharpness and the formula for the top eigenvalue and its eigenvector.

    Args:
        objective: f, its Hessian as a matrix.
        x: shape `(p,)`.
        eps: size ε of the box, dimensionless.
    """
    values, vectors = torch.linalg.eigh(objective.hessian)
    length = vectors[:, -1].abs() @ (x.abs() + 1)
    formula = eps**2 * values[-1] * length**2 / (2 * (1 + objective.value(x)))
    return relative_gap(at_corners(objective, x, eps), 100 * formula)


@identity(
    title="Adaptive sharpness never exceeds Keskar's",
    statement=r"\phi_{\text{adaptive}}(\epsilon) \le \phi_{x,f}(\epsilon)",
    source="the boxes of Kwon et al. 2021 and of Keskar et al. 2017, eq. 3, are nested; derived",
    premises="ε is the same; Keskar's maximum is exact",
)
def adaptive_is_less(objective: Objective, x: Tensor, adaptive_eps: float, eps: float) -> float:
    """By which fraction of itself adaptive sharpness exceeds Keskar's.

    Args:
        objective: f.
        x: not zero, shape `(p,)`.
        adaptive_eps: size ε of the adaptive box, dimensionless.
        eps: size ε of Keskar's box, dimensionless.
    """
    adaptive = adaptive_sharpness(objective, x, adaptive_eps, budget=BUDGET).value
    keskar = at_corners(objective, x, eps)
    return max(1 - keskar / adaptive, 0.0)  # in this order a NaN stays one

"""The Hessian of a mean loss: what its products, its Gauss-Newton part and its random estimates must satisfy."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from repro.measure.curvature.density import density
from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.curvature.trace import hutchinson_trace
from repro.measure.flat import to_vector, unflatten
from repro.measure.objective import NetworkObjective
from repro.measure.quadratic import Quadratic
from repro.theory.identity import identity, relative_gap


def second_derivatives(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """The dense Hessian of the mean cross-entropy, shape `(p, p)`: all examples at once, the network as it is written.

    Args:
        model: a small network in float64, in the mode in which it is to be run; it is left alone.
        inputs: shape `(n, ...)`.
        labels: classes, shape `(n,)`.
    """
    own = copy.deepcopy(model)
    parameters = dict(own.named_parameters())

    def mean_loss(point: Tensor) -> Tensor:
        state = dict(zip(parameters, unflatten(point, list(parameters.values())), strict=True))
        return F.cross_entropy(functional_call(own, state, (inputs,)), labels)

    return torch.autograd.functional.hessian(mean_loss, to_vector(own))  # type: ignore[no-untyped-call,no-any-return]


@identity(
    title="The products with the unit vectors are the columns of the dense Hessian",
    statement=r"H e_j = \Big( \frac{\partial^2 f}{\partial x_i \, \partial x_j} \Big)_i \text{ for every } j",
    source="definition; Pearlmutter 1994 for the product",
    premises="both are taken of all examples, with BatchNorm in one mode",
)
def dense_matrix(objective: NetworkObjective, model: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Gap between all products at the objective's start and the matrix; arguments as in `second_derivatives`."""
    products = dense(CurvatureOperator(objective, objective.start))
    return relative_gap(products, second_derivatives(model, inputs, labels))


@identity(
    title="The Hessian is symmetric",
    statement=r"u^\top (H v) = v^\top (H u)",
    source="Schwarz's theorem",
    premises="the loss is twice continuously differentiable at the point, and both products are taken there",
)
def symmetric(operator: CurvatureOperator, other: CurvatureOperator, u: Tensor, v: Tensor) -> float:
    """Gap between `u·Hv` by one operator and `v·Hu` by the other, as a fraction of `‖u‖ ‖Hv‖`."""
    Hv, Hu = operator.product(v), other.product(u)
    return abs(float(u @ Hv - v @ Hu)) / max(float(u.norm() * Hv.norm()), 1e-300)


@identity(
    title="A product with the Hessian is linear in the vector",
    statement=r"H(a u + b v) = a H u + b H v",
    source="definition",
    premises="all products are taken at one point",
)
def linear(operator: CurvatureOperator, other: CurvatureOperator, u: Tensor, v: Tensor, a: float, b: float) -> float:
    """Gap between the product of the sum by one operator and the sum of the products by the other."""
    return relative_gap(operator.product(a * u + b * v), a * other.product(u) + b * other.product(v))


@identity(
    title="The Hessian of all examples is the mean of the chunks' Hessians, weighted by their examples",
    statement=r"H = \sum_k \tfrac{n_k}{n} H_k",
    source="linearity of the mean; derived",
    premises="the loss is a sum over examples: no statistics are taken over a chunk",
)
def chunks_add_up(whole: NetworkObjective, parts: list[NetworkObjective], v: Tensor) -> float:
    """Gap between the whole's product at its start and the parts' weighted ones."""
    x = whole.start
    counts = [len(part.data[1]) for part in parts]
    total = sum(count * part.hvp(x, v) for count, part in zip(counts, parts, strict=True))
    return relative_gap(whole.hvp(x, v), torch.as_tensor(total) / sum(counts))


@identity(
    title="The trace of the Hessian of a piecewise linear network is that of its Gauss-Newton part",
    statement=r"\operatorname{tr} H = \operatorname{tr} J^\top L J",
    source="every logit is affine in each single parameter; derived",
    premises="linear layers, ReLU and fixed BatchNorm statistics; no parameter is used twice",
)
def trace_is_gauss_newtons(objective: NetworkObjective) -> float:
    """Gap between both traces, from dense matrices."""
    hessian, ggn = _both(objective)
    return relative_gap(hessian.trace(), ggn.trace())


@identity(
    title="The Gauss-Newton part of a convex loss is positive semi-definite",
    statement=r"v^\top J^\top L J v \ge 0",
    source="Schraudolph 2002, section 3",
    premises="each example's loss is convex in the logits",
)
def gauss_newton_is_semi_definite(objective: NetworkObjective) -> float:
    """How far the smallest eigenvalue lies below zero, as a fraction of the largest magnitude."""
    values = torch.linalg.eigvalsh(dense(CurvatureOperator(objective, objective.start, matrix="ggn")))
    scale = float(values.abs().max())
    return max(-float(values.min()), 0.0) / scale if scale else 0.0  # in this order a NaN stays one


@identity(
    title="The mean of the quadratic form over random signs is the trace",
    statement=r"\mathbb{E}_z[z^\top A z] = \operatorname{tr} A",
    source="Hutchinson 1990",
    premises="the entries of z are uncorrelated and have mean square 1",
)
def signs_give_the_trace(matrix: Tensor, vectors: Tensor) -> float:
    """Gap between the mean of `zᵀAz` over equally likely vectors, shape `(n, p)`, and the trace of A, `(p, p)`."""
    return relative_gap(torch.einsum("np,pq,nq->n", vectors, matrix, vectors).mean(), matrix.trace())


@identity(
    title="Taking out a subspace leaves the trace: what is known is added, the rest is probed",
    statement=r"\operatorname{tr} A = \operatorname{tr} V^\top A V + \operatorname{tr} P A P, \quad P = I - V V^\top",
    source="cyclic property of the trace; Lin, Saad and Yang 2016, section 3",
    premises="the columns of V are orthonormal",
)
def deflated_trace(matrix: Tensor, basis: Tensor) -> float:
    """Gap between the trace of A and the sum, for V of shape `(p, k)`."""
    rest = torch.eye(len(matrix), dtype=matrix.dtype) - basis @ basis.T
    return relative_gap((basis.T @ matrix @ basis).trace() + (rest @ matrix @ rest).trace(), matrix.trace())


@identity(
    title="A diagonal matrix has no Hutchinson noise",
    statement=r"z^\top D z = \operatorname{tr} D \text{ for every vector of signs}",
    source="z_i^2 = 1; derived",
    premises="the matrix is diagonal",
)
def no_noise_on_a_diagonal(matrix: Tensor, seed: int) -> float:
    """The standard error of two probes, and their error, as a fraction of the trace of `matrix`, shape `(p, p)`."""
    origin = torch.zeros(len(matrix), dtype=torch.float64)
    found = hutchinson_trace(CurvatureOperator(Quadratic(origin, matrix), origin), probes=2, seed=seed)
    trace = float(matrix.trace())
    return (abs(found.value - trace) + (found.residual or 0.0)) / abs(trace)


@identity(
    title="Lanczos quadrature of m steps has the first 2m moments of its probe",
    statement=r"\sum_i w_i \theta_i^j = z^\top A^j z / z^\top z, \quad j < 2m",
    source="Golub and Meurant 1994, theorem 3.4",
    premises="fewer than 2m powers are asked for",
)
def quadrature_moments(matrix: Tensor, steps: int, power: int, seed: int) -> float:
    """Gap between the moment by `steps` steps and by as many as there are variables, for `matrix` of shape `(p, p)`."""
    origin = torch.zeros(len(matrix), dtype=torch.float64)
    operator = CurvatureOperator(Quadratic(origin, matrix), origin)
    short, full = (density(operator, probes=1, steps=m, seed=seed) for m in (steps, len(matrix)))
    return relative_gap(short.moment(power).value, full.moment(power).value)


def _both(objective: NetworkObjective) -> tuple[Tensor, Tensor]:
    x = objective.start
    return dense(CurvatureOperator(objective, x)), dense(CurvatureOperator(objective, x, matrix="ggn"))

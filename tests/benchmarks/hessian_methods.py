"""Ways to find the largest eigenvalues, the trace and the density of a Hessian: ours, and those of other tools.

Every tool has all examples as one batch, on its fastest path, unless the name of the method says otherwise.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn
from torch.nn import functional as F

from repro.measure import CurvatureOperator, Density, density, eigenpairs, exact_trace, hutchinson_trace
from repro.measure.curvature.pyhessian import PyHessian
from tests.benchmarks.hessian_problems import Problem

TOP, PROBES, STEPS = 5, 100, 80
KNOWN, KNOWN_TO = 20, 1e-3
DENSE_SIZE = 5000
STANDARD_ERRORS = 3


@dataclass(frozen=True)
class Answer:
    """What a method found, and what it says of it.

    Attributes:
        values: eigenvalues, the largest first; the trace; or the nodes of a density.
        products: with the Hessian.
        claims: by how much each value may be off, if the tool says so; where it gives standard errors, three of them.
        weights: of the nodes of a density, 1 in all.
    """

    values: list[float]
    products: int
    claims: list[float] | None = None
    weights: list[float] | None = None


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.calls = 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self._function(*arguments)


def descending(values: Any) -> list[float]:
    return sorted(map(float, values), reverse=True)


def double_gradient(problem: Problem) -> Answer:
    """The whole spectrum of a small network, or the five largest eigenvalues of a larger one: torch's own float64."""
    exact = problem.double()
    parameters = list(exact.model.parameters())
    slopes = torch.autograd.grad(
        F.cross_entropy(exact.model(exact.inputs), exact.labels), parameters, create_graph=True
    )
    gradient = torch.cat([slope.flatten() for slope in slopes])

    @Counted
    def product(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = torch.autograd.grad(gradient, parameters, torch.from_numpy(vector), retain_graph=True)
        return torch.cat([part.flatten() for part in parts]).numpy()

    size = len(gradient)
    if size <= DENSE_SIZE:
        values = np.linalg.eigvalsh(np.stack([product(unit) for unit in np.eye(size)]))
    else:
        operator: Any = LinearOperator((size, size), matvec=product, dtype=np.float64)
        values = eigsh(operator, TOP, which="LA", tol=1e-9, return_eigenvectors=False, rng=np.random.default_rng(0))
    return Answer(descending(values), product.calls)


def double_trace(problem: Problem) -> Answer:
    return our_trace(problem.double())


def our_operator(problem: Problem) -> CurvatureOperator:
    return CurvatureOperator(problem.objective, problem.objective.start)


def our_eigenvalues(problem: Problem, tol: float) -> Answer:
    pairs = eigenpairs(our_operator(problem), TOP, tol=tol)
    return Answer(pairs.values.tolist(), pairs.products, pairs.errors.tolist())


def our_trace(problem: Problem) -> Answer:
    found = exact_trace(problem.objective, problem.objective.start)
    return Answer([found.value], 0, [found.residual])


def our_deflated_trace(problem: Problem, probes: int) -> Answer:
    operator = our_operator(problem)
    pairs = eigenpairs(operator, KNOWN, tol=KNOWN_TO)
    found = hutchinson_trace(operator, probes=probes, pairs=pairs)
    return Answer([found.value], operator.count, [STANDARD_ERRORS * found.residual])


def our_density(problem: Problem, steps: int, seed: int = 0) -> Answer:
    operator = our_operator(problem)
    pairs = eigenpairs(operator, KNOWN, tol=KNOWN_TO, seed=seed)
    found = density(operator, probes=1, steps=steps, pairs=pairs, seed=seed)
    return quadrature(found, operator.count)


def quadrature(found: Density, products: int) -> Answer:
    """The nodes and weights of all probes, and the outliers."""
    nodes, weights = torch.cat([found.outliers, *found.nodes]), torch.cat(found.weights) / len(found.weights)
    outliers = torch.full_like(found.outliers, 1 / found.size)
    return Answer(nodes.tolist(), products, weights=torch.cat([outliers, weights]).tolist())


def scipy_eigenvalues(problem: Problem, tol: float) -> Answer:
    operator: Any = our_operator(problem)
    values = eigsh(operator, TOP, which="LA", tol=tol, return_eigenvectors=False, rng=np.random.default_rng(0))
    return Answer(descending(values), operator.count, [tol * value for value in descending(values)])


def shipped_pyhessian(problem: Problem) -> tuple[Any, Counted]:
    """PyHessian on a kept graph, and its product, which counts."""
    module = importlib.import_module("pyhessian.hessian")
    module.hessian_vector_product = Counted(module.hessian_vector_product)
    data = (problem.inputs, problem.labels)
    return module.hessian(problem.model, nn.CrossEntropyLoss(), data=data, cuda=False), module.hessian_vector_product


def shipped_eigenvalues(problem: Problem, tol: float) -> Answer:
    solver, product = shipped_pyhessian(problem)
    values, _ = solver.eigenvalues(maxIter=1000, tol=tol, top_n=TOP)
    return Answer(descending(values), product.calls)


def shipped_trace(problem: Problem, **settings: float) -> Answer:
    solver, product = shipped_pyhessian(problem)
    return Answer([float(np.mean(solver.trace(**settings)))], product.calls)


def shipped_density(problem: Problem) -> Answer:
    solver, product = shipped_pyhessian(problem)
    (nodes,), (weights,) = solver.density(iter=STEPS)
    return Answer([float(node) for node in nodes], product.calls, weights=[float(weight) for weight in weights])


def guarded_pyhessian(problem: Problem) -> PyHessian:
    return PyHessian(problem.objective, problem.objective.start)


def guarded_eigenvalues(problem: Problem, tol: float) -> Answer:
    solver = guarded_pyhessian(problem)
    return Answer(solver.eigenvalues(TOP, tol=tol, iterations=1000).tolist(), solver.products)


def guarded_trace(problem: Problem) -> Answer:
    solver = guarded_pyhessian(problem)
    found = solver.trace(probes=PROBES)
    return Answer([found.value], solver.products, [STANDARD_ERRORS * found.residual])


def guarded_density(problem: Problem, steps: int = STEPS, probes: int = 1, seed: int = 0) -> Answer:
    found = guarded_pyhessian(problem).density(steps=steps, probes=probes, seed=seed)
    return quadrature(found, found.products)


def curvlinops_operator(problem: Problem) -> Any:
    batches = [(problem.inputs, problem.labels)]
    return importlib.import_module("curvlinops").HessianLinearOperator(
        problem.model, nn.CrossEntropyLoss(), list(problem.model.parameters()), batches, check_deterministic=False
    )


def curvlinops_eigenvalues(problem: Problem, tol: float) -> Answer:
    operator = curvlinops_operator(problem).to_scipy()
    operator._matvec = Counted(operator._matvec)
    values = eigsh(operator, TOP, which="LA", tol=tol, return_eigenvectors=False, rng=np.random.default_rng(0))
    return Answer(descending(values), operator._matvec.calls, [tol * value for value in descending(values)])


def curvlinops_trace(problem: Problem, at_once: int) -> Answer:
    estimate, operator = importlib.import_module("curvlinops").hutchinson_trace, curvlinops_operator(problem)
    return Answer([float(np.mean([float(estimate(operator, at_once)) for _ in range(PROBES // at_once)]))], PROBES)


def curvlinops_density(problem: Problem) -> Answer:
    module = importlib.import_module("curvlinops.papyan2020traces.spectrum")
    nodes, vectors = module.fast_lanczos(curvlinops_operator(problem), STEPS)
    return Answer(nodes.tolist(), STEPS, weights=vectors[0].square().tolist())


def eigenthings_operator(problem: Problem, batch: int | None = None) -> Any:
    package = importlib.import_module("hessian_eigenthings")
    size = batch or len(problem.labels)
    batches = list(zip(problem.inputs.split(size), problem.labels.split(size), strict=True))
    operator = package.HessianOperator(problem.model, batches, package.supervised_loss(nn.CrossEntropyLoss()))
    operator.matvec = Counted(operator.matvec)
    return operator


def eigenthings_eigenvalues(problem: Problem, batch: int | None = None, **settings: int) -> Answer:
    operator = eigenthings_operator(problem, batch)
    found = importlib.import_module("hessian_eigenthings").lanczos(operator, k=TOP, which="LA", seed=0, **settings)
    return Answer(found.eigenvalues.tolist(), operator.matvec.calls, found.residuals.tolist())


def eigenthings_trace(problem: Problem, **settings: Any) -> Answer:
    operator = eigenthings_operator(problem)
    found = importlib.import_module("hessian_eigenthings").trace(operator, seed=0, **settings)
    return Answer([found.estimate], operator.matvec.calls, [STANDARD_ERRORS * found.stderr])


def eigenthings_density(problem: Problem) -> Answer:
    operator = eigenthings_operator(problem)
    density_of = importlib.import_module("hessian_eigenthings").spectral_density
    found = density_of(operator, num_runs=1, lanczos_steps=STEPS, seed=0)
    return Answer(found.raw_eigenvalues[0].tolist(), operator.matvec.calls, weights=found.raw_weights[0].tolist())


METHODS: Mapping[str, Mapping[str, Callable[[Problem], Answer]]] = {
    "truth": {"double gradient": double_gradient, "exact trace": double_trace},
    "eigenvalues": {
        "ours, to 1e-3": partial(our_eigenvalues, tol=1e-3),
        "ours, to 1e-6": partial(our_eigenvalues, tol=1e-6),
        "SciPy eigsh on our operator, to 1e-6": partial(scipy_eigenvalues, tol=1e-6),
        "PyHessian as shipped, tol=1e-3": partial(shipped_eigenvalues, tol=1e-3),
        "PyHessian as shipped, tol=1e-6": partial(shipped_eigenvalues, tol=1e-6),
        "PyHessian guarded, tol=1e-3": partial(guarded_eigenvalues, tol=1e-3),
        "curvlinops, eigsh to 1e-6": partial(curvlinops_eigenvalues, tol=1e-6),
        "hessian-eigenthings, as it comes": eigenthings_eigenvalues,
        "hessian-eigenthings, 20 steps": partial(eigenthings_eigenvalues, max_iter=20),
        "hessian-eigenthings, 60 steps": partial(eigenthings_eigenvalues, max_iter=60),
        "hessian-eigenthings, 20 steps, batches of 256": partial(eigenthings_eigenvalues, batch=256, max_iter=20),
    },
    "trace": {
        "ours, exact": our_trace,
        "ours, 20 probes beside 20 pairs": partial(our_deflated_trace, probes=20),
        "PyHessian as shipped, as it comes": shipped_trace,
        "PyHessian as shipped, 100 probes": partial(shipped_trace, maxIter=PROBES, tol=0.0),
        "PyHessian guarded, 100 probes": guarded_trace,
        "curvlinops, 100 probes, 10 at once": partial(curvlinops_trace, at_once=10),
        "hessian-eigenthings, 100 probes": partial(eigenthings_trace, method="hutchinson", num_matvecs=PROBES),
        "hessian-eigenthings, Hutch++": partial(eigenthings_trace, method="hutch++", num_matvecs=PROBES),
    },
    "density": {
        "ours, 40 steps beside 20 pairs": partial(our_density, steps=40),
        "ours, 80 steps beside 20 pairs": partial(our_density, steps=STEPS),
        "PyHessian as shipped, 80 steps": shipped_density,
        "PyHessian guarded, 80 steps": guarded_density,
        "PyHessian guarded, 80 steps for each of 10 probes": partial(guarded_density, probes=10),
        "curvlinops, 80 steps": curvlinops_density,
        "hessian-eigenthings, 80 steps": eigenthings_density,
    },
}

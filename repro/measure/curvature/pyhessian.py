"""PyHessian 0.1 (Yao et al. 2020) as a second opinion: its own products and its own loops, fenced.

It works on a copy of the network, on the CPU, because it leaves the model in evaluation mode, wipes and overwrites
`.grad`, and adds the Hessian of a second object on one model to that of the first. What else is fenced off is said
where it is.
"""

from __future__ import annotations

import copy
import importlib
import types
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from repro.errors import UsageError
from repro.measure.curvature.density import Density
from repro.measure.curvature.operator import finite_loss
from repro.measure.curvature.trace import Trace
from repro.measure.flat import load_vector_
from repro.measure.inputs import chunks
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective, checked_point
from repro.streams import stream_seed

Batch = tuple[Tensor, Tensor]

_PYHESSIAN: Any = importlib.import_module("pyhessian.hessian")  # the package itself has a class of that name


class PyHessian:
    """What PyHessian says of an objective's Hessian at x.

    Args:
        objective: a network's loss with BatchNorm's running statistics, for PyHessian knows no other.
        x: where, shape `(p,)`.
        chunk: examples a batch.

    Raises:
        UsageError: the objective uses batch statistics, or has no curvature at all, or x does not fit it.
        DataError: the loss at x is not finite.
    """

    def __init__(self, objective: NetworkObjective, x: Tensor, *, chunk: int = 1000) -> None:
        if objective.batchnorm != "running":
            raise UsageError("batchnorm='batch' is unknown to PyHessian, which forces evaluation mode; use 'running'.")
        x = checked_point(objective, x)
        finite_loss(objective, x)
        model = copy.deepcopy(objective.model).cpu().eval().requires_grad_(False)
        load_vector_(model, x, objective.variables)
        self.products = 0
        self._size, self._loss = objective.size, objective.loss
        self._batches = _batches(objective, model, chunk)
        with _twice_differentiable():
            curved = _curved(model, objective.variables, self._criterion, self._batches[0])
            self._solver = self._fenced(model, curved)

    def eigenvalues(self, k: int = 1, *, tol: float = 1e-3, iterations: int = 100, seed: int = 0) -> Tensor:
        """k eigenvalues by power iteration, float64, shape `(k,)`, the largest first.

        They are the largest by magnitude, and may miss one: a plateau of the iteration ends it. `tol` bounds the change
        between two iterations, not the error.

        Raises:
            UsageError: k or tol have no meaning.
        """
        if not (1 <= k <= self._solver_size and tol > 0):
            raise UsageError(f"k={k} must lie between 1 and {self._solver_size}, and tol={tol} must be positive.")
        with self._running(seed):
            values, _ = self._solver.eigenvalues(iterations, tol, k)
        return torch.tensor(values, dtype=torch.float64).sort(descending=True).values

    def trace(self, *, probes: int = 100, seed: int = 0) -> Trace:
        """Hutchinson's estimate with its standard error, by exactly `probes` random vectors.

        Its own stopping rule ends by chance, and after two probes where the trace is negative: it is switched off.

        Raises:
            UsageError: there are no probes.
        """
        if probes < 1:
            raise UsageError(f"probes={probes} must be at least 1.")
        with self._running(seed):
            samples = np.asarray(self._solver.trace(probes, tol=-np.inf))
        error = float(samples.std(ddof=1)) / sqrt(len(samples)) if len(samples) > 1 else float("nan")
        cost = 3.0 * len(samples)
        return Trace(float(samples.mean()), Status.ESTIMATED, cost, error, method="hutchinson", probes=len(samples))

    def density(self, *, probes: int = 1, steps: int = 100, seed: int = 0) -> Density:
        """Stochastic Lanczos quadrature; no more steps than variables, past which it makes up eigenvalues.

        Parameters without curvature, which PyHessian does not see, are a node at 0.

        Raises:
            UsageError: there are no probes or no steps.
        """
        if probes < 1 or steps < 1:
            raise UsageError(f"probes={probes} and steps={steps} must both be at least 1.")
        before = self.products
        with self._running(seed), _torch_with_eig():
            nodes, weights = self._solver.density(min(steps, self._solver_size), probes)
        seen = self._solver_size / self._size
        flat = [(0.0, 1 - seen)] if seen < 1 else []
        rules = [
            [(float(n), seen * float(w)) for n, w in zip(*rule, strict=True)]
            for rule in zip(nodes, weights, strict=True)
        ]
        each = [sorted(rule + flat) for rule in rules]
        return Density(
            size=self._size,
            outliers=torch.zeros(0, dtype=torch.float64),
            nodes=tuple(torch.tensor([n for n, _ in rule], dtype=torch.float64) for rule in each),
            weights=tuple(torch.tensor([w for _, w in rule], dtype=torch.float64) for rule in each),
            products=self.products - before,
        )

    @property
    def _solver_size(self) -> int:
        return sum(parameter.numel() for parameter in self._solver.params)

    def _criterion(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self._loss(outputs.double(), targets).mean()

    def _fenced(self, model: nn.Module, curved: Sequence[str]) -> Any:
        """PyHessian's object; parameters without curvature, on which it fails, do not take part."""
        if not curved:
            raise UsageError("the loss is linear in every parameter; its Hessian is zero.")
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in curved)
        solver = _PYHESSIAN.hessian(model, self._criterion, dataloader=self._batches, cuda=False)
        product = solver.dataloader_hv_product

        def counted(vector: list[Tensor]) -> tuple[float, list[Tensor]]:
            self.products += 1
            found: tuple[float, list[Tensor]] = product(vector)
            return found

        solver.dataloader_hv_product = counted
        return solver

    @contextmanager
    def _running(self, seed: int) -> Iterator[None]:
        """Lend it the global generator that it draws from, and silence the warning of every call."""
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), _twice_differentiable():
            torch.manual_seed(stream_seed(seed, "pyhessian"))  # noqa: TID251 - given back
            warnings.filterwarnings("ignore", "Using backward\\(\\) with create_graph=True")
            yield


def _batches(objective: NetworkObjective, model: nn.Module, chunk: int) -> list[Batch]:
    inputs, labels = objective.data
    return list(zip(chunks(model, inputs, chunk), torch.split(labels.cpu(), chunk), strict=True))


def _curved(model: nn.Module, names: Sequence[str], criterion: Any, batch: Batch) -> list[str]:
    """Of the parameters named, those whose gradient depends on a parameter at all."""
    parameters = {name: parameter.requires_grad_() for name, parameter in model.named_parameters() if name in names}
    loss = criterion(model(batch[0]), batch[1])
    gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=True, allow_unused=True)
    return [name for name, g in zip(parameters, gradients, strict=True) if g is not None and g.requires_grad]


@contextmanager
def _twice_differentiable() -> Iterator[None]:
    """Graphs are built whatever the caller has switched off, and attention by its formula, which has a Hessian."""
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        yield


@contextmanager
def _torch_with_eig() -> Iterator[None]:
    """Give PyHessian, and nothing else, the `torch.eig` that torch no longer has."""
    shim = types.ModuleType("torch")
    shim.__dict__.update(vars(torch))
    shim.__dict__["eig"] = _eig
    _PYHESSIAN.torch = shim
    try:
        yield
    finally:
        _PYHESSIAN.torch = torch


def _eig(matrix: Tensor, eigenvectors: bool) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - torch's old signature
    """Eigenvalues as (real, imaginary), and eigenvectors as columns, of a symmetric matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return torch.stack([values, torch.zeros_like(values)], 1), vectors

"""One chunk's part of a curvature matrix, as a product that can be asked for again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from repro.measure.losses import Loss

Gradients = Sequence[Tensor | None]
"""One tensor for each parameter; `None` where it does not matter."""


class ChunkProduct(Protocol):
    """A matrix times a vector of the parameters' shapes, summed over a chunk's examples."""

    def __call__(self, directions: Sequence[Tensor]) -> Gradients:
        """The product with `directions`, one tensor for each parameter."""
        ...


class HessianOfChunk:
    """The Hessian of a sum of losses: the gradient is kept as a graph, and differentiated once more at each call.

    Args:
        logits: float64, shape `(m, ...)`, on the graph of the parameters.
        labels: shape `(m, ...)`.
        loss: each example's loss.
        leaves: the parameters.
    """

    def __init__(self, logits: Tensor, labels: Tensor, loss: Loss, leaves: Sequence[Tensor]) -> None:
        gradients = torch.autograd.grad(loss(logits, labels).sum(), leaves, create_graph=True, allow_unused=True)
        self._leaves = leaves
        self._curved = [(i, g) for i, g in enumerate(gradients) if g is not None and g.requires_grad]

    def __call__(self, directions: Sequence[Tensor]) -> Gradients:
        """Hessian times `directions`; parameters on which no gradient depends have none."""
        if not self._curved:
            return [None] * len(self._leaves)
        outputs, weights = [g for _, g in self._curved], [directions[i] for i, _ in self._curved]
        return torch.autograd.grad(outputs, self._leaves, weights, retain_graph=True, allow_unused=True)


class GaussNewtonOfChunk:
    """`Σ JᵀLJ`, J the logits' Jacobian and L the loss's Hessian in the logits (Schraudolph 2002).

    It is the Hessian without the network's own curvature, and positive semi-definite where the loss is convex.

    Args:
        logits, labels, loss, leaves: as for `HessianOfChunk`.
    """

    def __init__(self, logits: Tensor, labels: Tensor, loss: Loss, leaves: Sequence[Tensor]) -> None:
        self._logits, self._leaves = logits, leaves
        # a linear function of `probe` whose derivative along a direction is J times it: forward mode by two backward
        self._probe = torch.zeros_like(logits, requires_grad=True)
        pulled = torch.autograd.grad(logits, leaves, self._probe, create_graph=True, allow_unused=True)
        self._pulled = [(i, g) for i, g in enumerate(pulled) if g is not None]
        self._at = logits.detach().requires_grad_()
        (self._slope,) = torch.autograd.grad(loss(self._at, labels).sum(), self._at, create_graph=True)

    def __call__(self, directions: Sequence[Tensor]) -> Gradients:
        """Gauss-Newton matrix times `directions`."""
        if not self._pulled or not self._slope.requires_grad:
            return [None] * len(self._leaves)
        outputs, weights = [g for _, g in self._pulled], [directions[i] for i, _ in self._pulled]
        (moved,) = torch.autograd.grad(outputs, self._probe, weights, retain_graph=True)
        (bent,) = torch.autograd.grad(self._slope, self._at, moved, retain_graph=True)
        return torch.autograd.grad(self._logits, self._leaves, bent, retain_graph=True, allow_unused=True)


Matrix = Literal["hessian", "ggn"]

CHUNK_PRODUCTS: Mapping[Matrix, Callable[[Tensor, Tensor, Loss, Sequence[Tensor]], ChunkProduct]] = {
    "hessian": HessianOfChunk,
    "ggn": GaussNewtonOfChunk,
}
"""What is built of a chunk's logits for each matrix."""

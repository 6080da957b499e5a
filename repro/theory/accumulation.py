"""When micro-batches add up to the gradient of the large batch, and when they do not.

A batch of n examples is cut into K micro-batches of n_k; g_k is the gradient of the mean loss over one of them.
"""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from repro.measure.flat import flatten
from repro.theory.clipping import clipped
from repro.theory.identity import identity, relative_gap
from repro.train.accumulation import Weighting, accumulate_gradient


def gradient_of(
    model: nn.Module, inputs: Tensor, labels: Tensor, micro_batch: int, weighting: Weighting = "examples"
) -> Tensor:
    """The accumulated gradient of the mean cross-entropy, shape `(p,)`; the model is left alone.

    Args:
        model: a network, in the mode in which it is to be run.
        inputs: shape `(n, ...)`.
        labels: classes, shape `(n,)`.
        micro_batch: examples in a micro-batch; with n of them it is the gradient of the whole batch.
        weighting: as in `repro.train.accumulation`.
    """
    own = copy.deepcopy(model)
    own.zero_grad()
    accumulate_gradient(
        lambda x, y: F.cross_entropy(own(x), y), inputs, labels, micro_batch=micro_batch, weighting=weighting
    )
    return flatten(parameter.grad for parameter in own.parameters() if parameter.grad is not None)


@identity(
    title="Without a layer that couples examples, micro-batches add up to the gradient of the large batch",
    statement=r"\sum_k \tfrac{n_k}{n} g_k = g",
    source="linearity of the mean loss",
    premises="no layer and no loss couples examples",
)
def large_batch(model: nn.Module, inputs: Tensor, labels: Tensor, micro_batch: int) -> float:
    """Gap between the accumulated gradient and the whole batch's; arguments as in `gradient_of`."""
    return relative_gap(
        gradient_of(model, inputs, labels, micro_batch), gradient_of(model, inputs, labels, len(inputs))
    )


@identity(
    title="Weighted alike, micro-batches add up to the gradient of the large batch where all are of one size",
    statement=r"n_1 = \dots = n_K \Rightarrow \tfrac{1}{K} \sum_k g_k = g",
    source="derived; the code of Hoffer et al. 2017 weighs them alike, the smaller last one too",
    premises="micro-batches are of one size, and examples are not coupled",
)
def weighted_alike(model: nn.Module, inputs: Tensor, labels: Tensor, micro_batch: int) -> float:
    """Gap between the mean of the micro-batches' gradients and the whole batch's; arguments as in `gradient_of`."""
    alike = gradient_of(model, inputs, labels, micro_batch, "alike")
    return relative_gap(alike, gradient_of(model, inputs, labels, len(inputs)))


@identity(
    title="Clipped after the last micro-batch, the gradient is the large batch's clipped gradient",
    statement=r"\operatorname{clip}_c \big( \sum_k \tfrac{n_k}{n} g_k \big) = \operatorname{clip}_c(g)",
    source="derived",
    premises="the gradient is clipped once, after all micro-batches are added",
)
def clipped_once(whole: Tensor, accumulated: Tensor, bound: float) -> float:
    """Gap between what was accumulated and clipped, and the whole batch's clipped gradient.

    Args:
        whole: g, shape `(p,)`.
        accumulated: what the optimiser is given, shape `(p,)`.
        bound: c, the largest norm that is let pass.
    """
    return relative_gap(accumulated, *clipped([whole], bound))

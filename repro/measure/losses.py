"""What an objective averages: each example's loss, from float64 logits."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from repro.errors import DataError

Loss = Callable[[Tensor, Tensor], Tensor]
"""Takes logits `(m, ...)` in float64 and labels `(m, ...)`; gives each example's loss, shape `(m,)`."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Each example's `-log softmax(logits)[label]`, in nats, shape `(m,)`.

    Args:
        logits: shape `(m, classes)`.
        labels: int64, shape `(m,)`.

    Raises:
        DataError: a label is not an integer from 0 to `classes - 1`, or the shapes are others.
    """
    if logits.ndim < 2 or labels.ndim >= logits.ndim:
        raise DataError(
            f"logits of shape {tuple(logits.shape)} and labels of shape {tuple(labels.shape)} must be "
            f"({len(labels)}, classes) and ({len(labels)},): one class number an example."
        )
    low, high = labels.aminmax()
    if labels.is_floating_point() or low < 0 or high >= logits.shape[1]:
        raise DataError(
            f"labels from {low.item()} to {high.item()} must be integers from 0 to {logits.shape[1] - 1}, "
            "one for each output of the network; renumber them, or build the network for more classes."
        )
    return F.cross_entropy(logits, labels.long(), reduction="none")

"""Class numbers: their range, and subsets that hold each class equally often."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.errors import DataError


def checked_labels(numbers: NDArray[np.integer[Any]], classes: int, where: str) -> Tensor:
    """`numbers` as int64, once all lie in 0..classes-1.

    Raises:
        DataError: one does not; the first is named with its position.
    """
    wrong = np.flatnonzero((numbers < 0) | (numbers >= classes))
    if wrong.size:
        raise DataError(
            f"{where}: label {numbers[wrong[0]]} of example {wrong[0]} must lie in 0..{classes - 1}; "
            "the file is damaged or of another data set."
        )
    return torch.from_numpy(numbers.astype(np.int64))


def first_of_each_class(labels: Tensor, count: int, classes: int) -> Tensor:
    """Positions of the first `count` examples of each class, in their original order.

    Args:
        labels: shape `(n,)`, int64.
        count: examples a class.
        classes: how many classes there are.

    Returns:
        increasing int64 positions, shape `(count * classes,)`.

    Raises:
        ValueError: a class has fewer than `count` examples.
    """
    available = torch.bincount(labels, minlength=classes)
    if int(available.min()) < count:
        raise ValueError(f"count={count} must be at most {int(available.min())}, the size of the smallest class.")
    positions = [(labels == label).nonzero()[:count, 0] for label in range(classes)]
    return torch.cat(positions).sort().values

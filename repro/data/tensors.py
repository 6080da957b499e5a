"""A data set as two tensors a split, whole in memory; a batch is an index into them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from repro.errors import DataError, UsageError


@dataclass(frozen=True)
class Split:
    """Examples and their classes.

    Attributes:
        inputs: shape `(n, *shape)`; uint8 pixels in 0..255, or float32 features used as they are.
        labels: shape `(n,)`, int64, class numbers from 0.
    """

    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.inputs.dtype not in (torch.uint8, torch.float32) or self.labels.dtype != torch.int64:
            raise DataError(
                f"inputs {self.inputs.dtype} must be uint8 or float32 and labels {self.labels.dtype} int64; "
                "pass inputs.float() and labels.long()."
            )
        if self.labels.shape != self.inputs.shape[:1]:
            raise DataError(
                f"labels of shape {tuple(self.labels.shape)} must match inputs of shape "
                f"{tuple(self.inputs.shape)}: one label an example."
            )

    def __len__(self) -> int:
        return self.labels.shape[0]

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Inputs as float32, pixels divided by 255, and labels.

        Args:
            index: int64 positions of shape `(b,)`, or a slice.
        """
        chosen = self.take(index)
        return as_float(chosen.inputs), chosen.labels

    def take(self, index: Tensor | slice) -> Split:
        """The examples at `index` (positions of shape `(b,)`, or a slice) as a split of their own."""
        if isinstance(index, slice):
            return Split(self.inputs[index], self.labels[index])
        index = index.to(self.labels.device)
        return Split(self.inputs.index_select(0, index), self.labels.index_select(0, index))

    def to(self, device: torch.device) -> Split:
        """The same examples on `device`."""
        return Split(self.inputs.to(device), self.labels.to(device))

    def evenly(self, count: int) -> Split:
        """`count` examples at even distances in the split's order, the first among them.

        Raises:
            UsageError: `count` does not lie between 1 and the number of examples.
        """
        if not 1 <= count <= len(self):
            raise UsageError(f"count={count} must lie between 1 and the {len(self)} examples there are.")
        return self.take(torch.arange(count) * len(self) // count)


def as_float(inputs: Tensor) -> Tensor:
    """uint8 pixels as float32 in [0, 1]; float32 features unchanged."""
    return inputs.to(torch.float32).div_(255) if inputs.dtype == torch.uint8 else inputs


@dataclass(frozen=True)
class Dataset:
    """A training and a test split with the same classes.

    Attributes:
        name: what `repro.data.load` calls it.
        train: the official training examples, in their original order.
        test: the official test examples, in their original order.
        classes: how many classes there are; labels lie in 0..classes-1.
    """

    name: str
    train: Split
    test: Split
    classes: int

    def to(self, device: torch.device) -> Dataset:
        """The same data set on `device`."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input: `(1, 28, 28)`, `(3, 32, 32)` or `(360,)`."""
        return tuple(self.train.inputs.shape[1:])

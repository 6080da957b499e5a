"""An identity: what is said, where it is said, under which premises, and by how much it is missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")


@dataclass(frozen=True)
class Identity(Generic[P]):
    """A statement that can be checked; calling it measures by how much it is missed.

    Attributes:
        id: family and name, such as `minibatch.unbiased`.
        title: the statement as a sentence.
        statement: the same in LaTeX.
        source: paper and equation, or where it is derived.
        premises: what must hold for it.
        gap: takes one case, within or outside the premises; gives a dimensionless gap, 0 where the statement holds.
        without_control: why no premise can be broken; empty where a negative control exists.
    """

    id: str
    title: str
    statement: str
    source: str
    premises: str
    gap: Callable[P, float]
    without_control: str = ""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> float:
        """The gap of one case."""
        return self.gap(*args, **kwargs)


def identity(
    *, title: str, statement: str, source: str, premises: str, without_control: str = ""
) -> Callable[[Callable[P, float]], Identity[P]]:
    """Make the function below an `Identity`, named after its module and itself."""

    def made(gap: Callable[P, float]) -> Identity[P]:
        family = gap.__module__.rpartition(".")[2]
        return Identity(f"{family}.{gap.__name__}", title, statement, source, premises, gap, without_control)

    return made


def relative_gap(left: Tensor | float, right: Tensor | float) -> float:
    """The largest difference of two tensors of one shape, as a fraction of their largest entry; 0 if both are 0."""
    a, b = (torch.as_tensor(side, dtype=torch.float64) for side in (left, right))
    if a.shape != b.shape:
        raise ValueError(f"shapes {tuple(a.shape)} and {tuple(b.shape)} must be the same.")
    scale = torch.maximum(a.abs().max(), b.abs().max()).item()  # NaN if either is: no gap is hidden
    return (a - b).abs().max().item() / scale if scale else 0.0

"""Training advanced step by step, and the weights it ends with."""

from __future__ import annotations

import torch
from torch import Tensor

from repro.train.loop import Training


def run(training: Training, updates: int = 10_000) -> list[dict[str, object]]:
    """The rows of at most so many updates."""
    rows: list[dict[str, object]] = []
    while not training.finished and updates:
        rows += training.advance()
        updates -= 1
    return rows


def weights(training: Training) -> dict[str, Tensor]:
    """Parameters and buffers as they are now."""
    return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    """Whether two states are alike bit for bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in right)

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.train.optimizers import build_optimizer, set_phase
from repro.train.regime import Phase


def steps(name: str, momentum: float) -> list[float]:
    """w after two steps from 1 on `w²/2` at rate 0.1."""
    weight = nn.Parameter(torch.ones(1))
    optimizer, found = build_optimizer(name, [weight]), []
    for _ in range(2):
        set_phase(optimizer, Phase(1, 2, 0.1, momentum))
        optimizer.zero_grad()
        (weight.square().sum() / 2).backward()
        optimizer.step()
        found.append(weight.item())
    return found


def test_nesterovs_gradient_is_taken_ahead() -> None:
    # v = 1, step 0.1 (1 + 0.5 · 1) = 0.15; then v = 0.5 + 0.85 = 1.35, step 0.1 (0.85 + 0.5 · 1.35) = 0.1525
    assert steps("nesterov", 0.5) == pytest.approx([0.85, 0.6975])
    # heavy ball: 0.1, then v = 0.5 + 0.9 = 1.4, step 0.14
    assert steps("sgd", 0.5) == pytest.approx([0.9, 0.76])


def test_an_unknown_optimiser_is_named() -> None:
    with pytest.raises(ValueError, match="optimizer='lamb' must be one of"):
        build_optimizer("lamb", [nn.Parameter(torch.ones(1))])

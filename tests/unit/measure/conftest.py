"""Truth for curvature: autograd's own Hessian, one row after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from torch import Tensor, nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional as F

from repro.measure.flat import flatten, unflatten


@pytest.fixture
def autograd_hessian() -> Callable[..., Tensor]:
    """The dense Hessian of a model's mean cross-entropy in the mode that it is in, by all its parameters or by some."""
    return _hessian


def _hessian(model: nn.Module, inputs: Tensor, labels: Tensor, names: Sequence[str] | None = None) -> Tensor:
    parameters = dict(model.named_parameters())
    chosen = {name: parameters[name].detach() for name in names or parameters}

    def loss(x: Tensor) -> Tensor:
        state = dict(zip(chosen, unflatten(x, list(chosen.values())), strict=True))
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        return F.cross_entropy(functional_call(model, {**state, **buffers}, (inputs,)), labels)

    return hessian(loss, flatten(chosen.values()))

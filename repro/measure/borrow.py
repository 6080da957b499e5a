"""What is borrowed from a network is given back, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from repro.machine import in_float32


@contextmanager
def borrowed(model: nn.Module) -> Iterator[nn.Module]:
    """Lend `model` to the block, which may do with it what it likes.

    Afterwards, however the block ends, parameters, buffers, `.grad`, `requires_grad`, the mode of every
    module and torch's global random state are what they were. Autocast, TF32 and products in bfloat16 are off inside.
    Costs one copy.
    """
    loans = [_Loan.of(module, name, tensor) for module in model.modules() for name, tensor in _tensors(module)]
    with undisturbed(model):
        try:
            yield model
        finally:
            for loan in loans:
                loan.give_back()


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[nn.Module]:
    """Give back the mode of every module and torch's global random state; inside, float32 is float32."""
    modes = [(module, module.training) for module in model.modules()]
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    forked = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=forked), torch.autocast(device.type, enabled=False), in_float32():
        try:
            yield model
        finally:
            for module, training in modes:
                module.training = training


@dataclass(frozen=True)
class _Content:
    """A tensor, the memory it uses, and a copy of what is in it."""

    tensor: Tensor
    memory: Tensor
    copy: Tensor

    @classmethod
    def of(cls, tensor: Tensor) -> _Content:
        return cls(tensor, tensor.data, tensor.detach().clone())

    def give_back(self) -> Tensor:
        self.tensor.data = self.memory
        self.memory.copy_(self.copy)
        return self.tensor


@dataclass(frozen=True)
class _Loan:
    """One parameter or buffer of one module, and its gradient."""

    module: nn.Module
    name: str
    content: _Content
    requires_grad: bool
    grad: _Content | None

    @classmethod
    def of(cls, module: nn.Module, name: str, tensor: Tensor) -> _Loan:
        grad = None if tensor.grad is None else _Content.of(tensor.grad)
        return cls(module, name, _Content.of(tensor), tensor.requires_grad, grad)

    def give_back(self) -> None:
        self.content.tensor.grad = None
        tensor = self.content.give_back()
        tensor.requires_grad_(self.requires_grad)
        tensor.grad = None if self.grad is None else self.grad.give_back()
        setattr(self.module, self.name, tensor)


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]

"""What is borrowed from a network is given back, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@contextmanager
def borrowed(model: nn.Module) -> Iterator[nn.Module]:
    """Lend `model` to the block, which may do with it what it likes.

    Afterwards, however the block ends, parameters, buffers, `.grad`, `requires_grad`, the mode of every module and
    torch's global random state are what they were. Costs one copy of the model.
    """
    loans = [
        _Loan.of(module, name, tensor) for module in model.modules() for name, tensor in _tensors(module)
    ]
    with undisturbed(model):
        try:
            yield model
        finally:
            for loan in loans:
                loan.give_back()


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[nn.Module]:
    """Give back the mode of every module and torch's global random state; autocast is off inside the block."""
    modes = [(module, module.training) for module in model.modules()]
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    forked = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=forked), torch.autocast(device.type, enabled=False):
        try:
            yield model
        finally:
            for module, training in modes:
                module.training = training


@dataclass(frozen=True)
class _Loan:
    """One parameter or buffer: the object, the memory it uses, and a copy of what was in it."""

    module: nn.Module
    name: str
    tensor: Tensor
    memory: Tensor
    content: Tensor
    requires_grad: bool
    grad: Tensor | None
    grad_content: Tensor | None

    @classmethod
    def of(cls, module: nn.Module, name: str, tensor: Tensor) -> _Loan:
        grad = tensor.grad
        copies = tensor.detach().clone(), None if grad is None else grad.detach().clone()
        return cls(module, name, tensor, tensor.data, copies[0], tensor.requires_grad, grad, copies[1])

    def give_back(self) -> None:
        setattr(self.module, self.name, self.tensor)
        self.tensor.data = self.memory
        self.memory.copy_(self.content)
        self.tensor.requires_grad_(self.requires_grad)
        self.tensor.grad = self.grad
        if self.grad is not None and self.grad_content is not None:
            self.grad.data.copy_(self.grad_content)


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]

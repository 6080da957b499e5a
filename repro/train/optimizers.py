"""The update rules, set at every update to the regime's learning rate and momentum."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from repro.train.regime import Phase
from repro.train.spec import Precision


def build_optimizer(name: str, parameters: Iterable[nn.Parameter], weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """The optimiser called `name` with the defaults of its paper; rate and momentum come from `set_phase`.

    Adam: β₂ = 0.999, ε = 1e-8 (Kingma and Ba 2015). AdaGrad: ε = 1e-10. SGD: heavy ball without damping; Nesterov:
    the same with the gradient taken ahead, as PyTorch has it.

    Args:
        name: `adam`, `sgd`, `nesterov` or `adagrad`.
        parameters: all are decayed alike.
        weight_decay: λ, whose product with the weights is added to their gradient.

    Raises:
        ValueError: `name` is unknown.
    """
    if name == "adam":
        return torch.optim.Adam(parameters, weight_decay=weight_decay, fused=True)
    if name == "sgd":
        return torch.optim.SGD(parameters, weight_decay=weight_decay, fused=True)
    if name == "nesterov":
        return torch.optim.SGD(parameters, momentum=0.9, weight_decay=weight_decay, nesterov=True, fused=True)
    if name == "adagrad":
        return torch.optim.Adagrad(parameters, weight_decay=weight_decay, fused=True)
    raise ValueError(f"optimizer={name!r} must be one of adam, sgd, nesterov, adagrad.")


def set_phase(optimizer: torch.optim.Optimizer, phase: Phase) -> None:
    """Give every parameter group the learning rate and momentum of `phase`."""
    for group in optimizer.param_groups:
        group["lr"] = phase.learning_rate
        if "betas" in group:
            group["betas"] = (phase.momentum, group["betas"][1])
        elif "momentum" in group:
            group["momentum"] = phase.momentum


def descend(
    optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor], phase: Phase, precision: Precision = "fp32"
) -> None:
    """One step of the optimiser, in the settings of `phase`, down the gradient of what `loss` returns.

    Under `bf16` the passes forward are autocast; the passes backward have the types that these chose.
    """
    set_phase(optimizer, phase)
    optimizer.zero_grad()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    with torch.autocast(parameters[0].device.type, torch.bfloat16, enabled=precision == "bf16"):
        value = loss()
    value.backward()  # type: ignore[no-untyped-call]
    if phase.clip is not None:
        nn.utils.clip_grad_norm_(parameters, phase.clip)
    optimizer.step()

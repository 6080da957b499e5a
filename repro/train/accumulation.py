"""The gradient of a large batch from micro-batches, in the memory of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from repro.errors import UsageError

Weighting = Literal["examples", "alike"]


def accumulate_gradient(
    loss: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    labels: Tensor,
    *,
    micro_batch: int,
    weighting: Weighting = "examples",
) -> Tensor:
    """Add `Σ (n_k / n) ∇loss_k` to the parameters' `.grad`, one micro-batch after another.

    That is the gradient of the whole batch's mean loss, unless a layer or the loss couples examples. BatchNorm does:
    the gradient is then that of ghosts as large as the micro-batches (`repro.nets.ghost_batchnorm`). Clip it after
    the last micro-batch, not before.

    Args:
        loss: takes inputs `(n_k, ...)` and labels `(n_k, ...)`, gives the mean loss over them in nats.
        inputs: shape `(n, ...)`.
        labels: shape `(n, ...)`.
        micro_batch: examples in each of the K micro-batches; the last has what remains.
        weighting: `examples` as above; `alike` gives each micro-batch 1/K whatever its size, as the code of Hoffer
            et al. 2017 does.

    Returns:
        The weighted mean of the losses, in nats; without gradient.

    Raises:
        UsageError: `micro_batch` is below 1, there are no examples, or `weighting` is unknown.
    """
    if micro_batch < 1 or len(inputs) == 0:
        raise UsageError(f"micro_batch={micro_batch} of {len(inputs)} examples must both be at least 1.")
    if weighting not in ("examples", "alike"):
        raise UsageError(f"weighting={weighting!r} must be 'examples' or 'alike'.")
    parts = list(zip(torch.split(inputs, micro_batch), torch.split(labels, micro_batch), strict=True))
    terms = []
    for examples, targets in parts:
        share = len(examples) / len(inputs) if weighting == "examples" else 1 / len(parts)
        term = share * loss(examples, targets)
        term.backward()  # type: ignore[no-untyped-call]
        terms.append(term.detach())
    return torch.stack(terms).sum()

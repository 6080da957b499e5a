"""The order in memory in which a network is fastest on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def fast_layout(model: nn.Module) -> torch.memory_format:
    """Channels last for a network that convolves images, else channels first."""
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    return torch.channels_last if convolves else torch.contiguous_format


def layout_of(model: nn.Module) -> torch.memory_format:
    """Channels last where a filter of the model lies so in memory, else channels first."""
    filters = (parameter for parameter in model.parameters() if parameter.ndim == 4)
    last = any(layout_in_memory(each) is torch.channels_last for each in filters)
    return torch.channels_last if last else torch.contiguous_format


def layout_in_memory(tensor: Tensor) -> torch.memory_format:
    """Channels last where images, volumes or filters lie so and not otherwise, else contiguous."""
    last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(tensor.ndim)
    if last is None or tensor.is_contiguous() or not tensor.is_contiguous(memory_format=last):
        return torch.contiguous_format
    return last


def arranged(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """The same numbers in `layout`, if they are images or filters: tensors of four dimensions."""
    return tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor

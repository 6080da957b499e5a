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
    filters = [parameter for parameter in model.parameters() if parameter.ndim == 4]
    last = any(f.is_contiguous(memory_format=torch.channels_last) and not f.is_contiguous() for f in filters)
    return torch.channels_last if last else torch.contiguous_format


def arranged(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """The same numbers in `layout`, if they are images or filters: tensors of four dimensions."""
    return tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor

"""A data set as a network takes it: a chunk at a time, in the network's precision and layout."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from repro.errors import UsageError


def chunks(model: nn.Module, inputs: Tensor, size: int, layout: torch.memory_format | None = None) -> Iterator[Tensor]:
    """`inputs`, shape `(n, ...)`, in chunks of `size` examples; the last may be smaller.

    Chunks have the device and the precision of the model's parameters. Pixels (uint8) are divided by 255;
    other integers, such as tokens, stay as they are.

    Args:
        model: the network they are for.
        inputs: uint8, a float or another integer.
        size: examples a chunk.
        layout: of images in memory; by default the faster one for this network.
    """
    like, layout = next(model.parameters()), layout or fast_layout(model)
    for part in torch.split(inputs, size):
        if part.dtype == torch.uint8:
            yield arranged(part.to(like).div_(255), layout)
        elif part.is_floating_point():
            yield arranged(part.to(like), layout)
        else:
            yield part.to(like.device)


def check_chunk(size: int) -> None:
    """Refuse a chunk of no examples.

    Raises:
        UsageError: `size` is below 1.
    """
    if size < 1:
        raise UsageError(f"chunk={size} must be at least 1 example; 1000 suits most networks.")


def fast_layout(model: nn.Module) -> torch.memory_format:
    """Channels last for a network that convolves images, else channels first."""
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    return torch.channels_last if convolves else torch.contiguous_format


def arranged(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """The same numbers in `layout`, if they are images or filters: tensors of four dimensions."""
    return tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor

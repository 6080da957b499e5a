"""A data set as a network takes it: a chunk at a time, in the network's precision and layout."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


def chunks(model: nn.Module, inputs: Tensor, size: int) -> Iterator[Tensor]:
    """`inputs`, shape `(n, ...)`, in chunks of `size` examples; the last may be smaller.

    Chunks have the device and the precision of the model's parameters. Pixels (uint8) are divided by 255; other
    integers, such as tokens, stay as they are.
    """
    like = next(model.parameters())
    for part in inputs.split(size):
        if part.dtype == torch.uint8:
            yield channels_last(model, part.to(like).div_(255))
        elif part.is_floating_point():
            yield channels_last(model, part.to(like))
        else:
            yield part.to(like.device)


def channels_last(model: nn.Module, tensor: Tensor) -> Tensor:
    """The same numbers in the layout that is faster: channels last, for images and filters of a convolutional network."""
    if tensor.ndim != 4 or not any(isinstance(module, nn.Conv2d) for module in model.modules()):
        return tensor
    return tensor.contiguous(memory_format=torch.channels_last)

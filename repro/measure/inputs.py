"""A data set as a network takes it: a chunk at a time, in the network's precision and layout."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor, nn

from repro.errors import UsageError
from repro.nets.layout import arranged, layout_of


def chunks(model: nn.Module, inputs: Tensor, size: int, layout: torch.memory_format | None = None) -> Iterator[Tensor]:
    """Copies of `inputs`, shape `(n, ...)`, in chunks of `size` examples; the last may be smaller.

    Chunks have the device and the precision of the model's parameters, or of its buffers where it has none. Pixels
    (uint8) are divided by 255; other integers, such as tokens, stay as they are. A network may overwrite a chunk, as
    `ReLU(inplace=True)` does.

    Args:
        model: the network they are for.
        inputs: uint8, a float or another integer.
        size: examples a chunk.
        layout: of images in memory; by default that of the model's own filters.
    """
    like = next(chain(model.parameters(), filter(Tensor.is_floating_point, model.buffers())), torch.empty(0))
    layout = layout or layout_of(model)
    for part in torch.split(inputs, size):
        if part.dtype == torch.uint8:
            yield arranged(part.to(like).div_(255), layout)
        elif part.is_floating_point():
            yield arranged(part.to(like, copy=True), layout)
        else:
            yield part.to(like.device, copy=True)


def check_chunk(size: int) -> None:
    """Refuse a chunk of no examples.

    Raises:
        UsageError: `size` is below 1.
    """
    if size < 1:
        raise UsageError(f"chunk={size} must be at least 1 example; 1000 suits most networks.")

"""Residual networks for small images (He et al. 2016; Zagoruyko and Komodakis 2016), as Hoffer et al. 2017 built them.

A block is convolution, BatchNorm, ReLU, convolution, BatchNorm, and ReLU of the sum with its input; where shape or
width change, the input goes through a 1x1 convolution and BatchNorm. Convolutions have no biases.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from repro.nets.images import image_shape


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut.

    Args:
        inputs, outputs: channels.
        stride: of the first convolution and of the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """`(b, inputs, h, w)` to `(b, outputs, h / stride, w / stride)`."""
        return torch.relu(self.branch(inputs) + self.shortcut(inputs))


def residual(shape: tuple[int, ...], classes: int, *, blocks: int, widths: Sequence[int]) -> nn.Sequential:
    """A 3x3 convolution, stages of `blocks` blocks, each but the first halving the side, and a linear output.

    Args:
        shape: of one input, `(channels, height, width)`.
        classes: number of outputs.
        blocks: in each stage; the network has 6 `blocks` + 2 layers with three stages.
        widths: channels of each stage; the first convolution has those of the first.

    Raises:
        UsageError: `shape` is not that of an image.
    """
    channels, _, _ = image_shape(shape)
    inputs = widths[0]
    layers: list[nn.Module] = [nn.Conv2d(channels, inputs, 3, padding=1, bias=False), nn.BatchNorm2d(inputs), nn.ReLU()]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(Block(inputs, width, stride=2 if stage and not block else 1))
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))

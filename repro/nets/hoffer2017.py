"""The networks of Hoffer et al. 2017 that are not Keskar's, as the authors' code has them.

| name | what it is |
|---|---|
| C1-hoffer, C3-hoffer | Keskar's C1 and C3 with pooling before BatchNorm, valid pooling, and no biases but the last |
| ResNet44 | residual, 7 blocks a stage, widths 16, 32, 64; ResNet20 and ResNet8 are its siblings of 3 and 1 |
| WResNet16-4 | residual, 2 blocks a stage, widths 64, 128, 256; WResNet16-1 is a quarter as wide |
| VGG16 | thirteen 3x3 convolutions with BatchNorm in five stacks, and one linear layer; the authors released none |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

from torch import nn

from repro.nets.images import image_shape
from repro.nets.keskar2017 import VGG_STACKS
from repro.nets.residual import residual


def shallow_convolutional(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Two 5x5 convolutions of 64, each 3x3 max-pool of stride 2, BatchNorm, ReLU; dense 384, 192 with dropout 0.5.

    Args:
        shape: of one input, `(channels, height, width)`.
        classes: number of outputs.

    Raises:
        UsageError: `shape` is not that of an image, or too small for two pools.
    """
    channels, *sides = image_shape(shape, smallest=7)
    height, width = (_pooled(_pooled(side)) for side in sides)
    return nn.Sequential(
        *_stage(channels),
        *_stage(64),
        nn.Flatten(),
        *_dense(64 * height * width, 384),
        *_dense(384, 192),
        nn.Linear(192, classes),
    )


def vgg16(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Configuration D of Simonyan and Zisserman 2015 with BatchNorm, for small images: no hidden dense layer.

    Args:
        shape: of one input, `(channels, height, width)`.
        classes: number of outputs.

    Raises:
        UsageError: `shape` is not that of an image, or too small to be halved five times.
    """
    channels, height, width = image_shape(shape, smallest=32)
    layers: list[nn.Module] = []
    for stack in VGG_STACKS:
        for inputs, outputs in pairwise((channels, *stack)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
        channels = stack[-1]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (height // 32) * (width // 32), classes))


NETWORKS: Mapping[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "C1-hoffer": shallow_convolutional,
    "C3-hoffer": shallow_convolutional,
    "ResNet8": partial(residual, blocks=1, widths=(16, 32, 64)),
    "ResNet20": partial(residual, blocks=3, widths=(16, 32, 64)),
    "ResNet44": partial(residual, blocks=7, widths=(16, 32, 64)),
    "WResNet16-4": partial(residual, blocks=2, widths=(64, 128, 256)),
    "WResNet16-1": partial(residual, blocks=2, widths=(16, 32, 64)),
    "VGG16": vgg16,
}
"""What each name builds from `(shape, classes)`; the weights are left to `repro.nets.build`."""


def _stage(channels: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, 64, 5, padding=2, bias=False)
    return [convolution, nn.MaxPool2d(3, stride=2), nn.BatchNorm2d(64), nn.ReLU()]


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.5)]


def _pooled(side: int) -> int:
    return (side - 3) // 2 + 1

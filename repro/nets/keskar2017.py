"""The six networks of Keskar et al. 2017 (appendix B), and the readings on which paper and code differ.

| name | what it is |
|---|---|
| F1, F2 | 5 and 7 hidden layers of 512, each Linear-BatchNorm-ReLU (B.1, B.2) |
| C1, C3 | two 5x5 convolutions of 64, two dense layers (B.3; 10 and 100 classes) |
| C2, C4 | the VGG-like stack of 13 convolutions (B.4; 10 and 100 classes) |
| C1-stride2, C3-stride2 | the text's literal `[64,5,5,2]`: convolutions of stride 2 (the code has stride 1) |
| C2-conv-dropout, C4-conv-dropout | the code's dropout between convolutions, of which the text says nothing |

C1 and C3 follow the authors' code, whose released figures match Table 2; C2 and C4 follow the text. C1 and C3
(C2 and C4) are one function of the number of classes: both names stand so that a table reads as the paper's.
BatchNorm has PyTorch's ε = 1e-5 and momentum 0.1, on which the paper is silent.

Max-pooling stands before the ReLU, which commutes with it: the same function, less work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from math import ceil, prod

from torch import nn

from repro.nets.images import image_shape

VGG_STACKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_CONV_DROPOUT = (0.3, 0.4, 0.4, 0.4, 0.4)


def fully_connected(shape: tuple[int, ...], classes: int, *, hidden: int, width: int = 512) -> nn.Sequential:
    """`hidden` layers of Linear-BatchNorm-ReLU and a linear output (B.1, B.2).

    Args:
        shape: of one input; it is flattened.
        classes: number of outputs.
        hidden: number of hidden layers; 5 in F1, 7 in F2.
        width: units in each hidden layer.
    """
    widths = [prod(shape), *[width] * hidden]
    layers = [layer for pair in pairwise(widths) for layer in _dense(*pair)]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(widths[-1], classes))


def shallow_convolutional(shape: tuple[int, ...], classes: int, *, stride: int = 1) -> nn.Sequential:
    """Two 5x5 convolutions of 64 with BatchNorm, 3x3 max-pool, ReLU; dense 384, 192 with dropout 0.5 (B.3).

    Convolutions and pools are padded so that a stride of s divides the side by s, rounding up; that of the
    pools is 2.

    Args:
        shape: of one input, `(channels, height, width)`.
        classes: number of outputs.
        stride: of the convolutions; 1 in the authors' code, 2 in the text.

    Raises:
        UsageError: `shape` is not that of an image.
    """
    channels, height, width = image_shape(shape)
    shrink = (2 * stride) ** 2
    return nn.Sequential(
        *_shallow_stage(channels, stride),
        *_shallow_stage(64, stride),
        nn.Flatten(),
        *_dense(64 * ceil(height / shrink) * ceil(width / shrink), 384),
        nn.Dropout(0.5),
        *_dense(384, 192),
        nn.Dropout(0.5),
        nn.Linear(192, classes),
    )


def deep_convolutional(shape: tuple[int, ...], classes: int, *, conv_dropout: bool = False) -> nn.Sequential:
    """Five stacks of 3x3 convolutions, each ended by a 2x2 max-pool; dense 512 with dropout 0.5 (B.4).

    Args:
        shape: of one input, `(channels, height, width)`, sides at least 32.
        classes: number of outputs.
        conv_dropout: as in the authors' code, dropout 0.3 (first stack) or 0.4 after every convolution but
            the last of its stack, and 0.5 on the flattened features; the text has none of these.

    Raises:
        UsageError: `shape` is not that of an image, or too small to be halved five times.
    """
    channels, height, width = image_shape(shape, smallest=32)  # for five 2x2 pools
    layers: list[nn.Module] = []
    for inputs, filters, rate in zip((channels, 64, 128, 256, 512), VGG_STACKS, _CONV_DROPOUT, strict=True):
        layers += _deep_stack(inputs, filters, rate if conv_dropout else 0.0)
    features = 512 * (height // 32) * (width // 32)
    head = [
        *_dropout(0.5 if conv_dropout else 0.0),
        *_dense(features, 512),
        nn.Dropout(0.5),
        nn.Linear(512, classes),
    ]
    return nn.Sequential(*layers, nn.Flatten(), *head)


NETWORKS: Mapping[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "F1": partial(fully_connected, hidden=5),
    "F2": partial(fully_connected, hidden=7),
    "C1": shallow_convolutional,
    "C2": deep_convolutional,
    "C3": shallow_convolutional,
    "C4": deep_convolutional,
    "C1-stride2": partial(shallow_convolutional, stride=2),
    "C3-stride2": partial(shallow_convolutional, stride=2),
    "C2-conv-dropout": partial(deep_convolutional, conv_dropout=True),
    "C4-conv-dropout": partial(deep_convolutional, conv_dropout=True),
}
"""What each name builds from `(shape, classes)`; the weights are left to `repro.nets.build`."""


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]


def _shallow_stage(channels: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, 64, 5, stride=stride, padding=2)
    return [convolution, nn.BatchNorm2d(64), nn.MaxPool2d(3, stride=2, padding=1), nn.ReLU()]


def _deep_stack(channels: int, filters: tuple[int, ...], dropout: float) -> list[nn.Module]:
    *inner, last = pairwise((channels, *filters))
    layers: list[nn.Module] = []
    for pair in inner:
        layers += [*_convolution(*pair), nn.ReLU(), *_dropout(dropout)]
    return [*layers, *_convolution(*last), nn.MaxPool2d(2), nn.ReLU()]


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)]


def _dropout(rate: float) -> list[nn.Module]:
    return [nn.Dropout(rate)] if rate else []

"""The networks of the article's own sections: a plain perceptron, and an encoder for contrastive learning.

| name | what it is |
|---|---|
| MLP | two hidden layers of 128 with ReLU, no BatchNorm |
| Conv4 | four 3x3 convolutions of 16 to 128 with BatchNorm, each of stride 2, and the mean; a head of 128, 64 |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import prod

from torch import Tensor, nn

from repro.nets.images import image_shape


class Projected(nn.Module):
    """An encoder, and the head whose outputs the contrastive loss sees and nobody else (Chen et al. 2020, section 2.1).

    Args:
        features: from inputs `(n, *shape)` to features `(n, d)`.
        projection: from features to embeddings `(n, e)`.
    """

    def __init__(self, features: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.features, self.projection = features, projection

    def forward(self, inputs: Tensor) -> Tensor:
        """The embeddings of the inputs."""
        embeddings: Tensor = self.projection(self.features(inputs))
        return embeddings


def perceptron(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Two hidden layers of 128 with ReLU.

    Args:
        shape: of one input; it is flattened.
        classes: number of outputs.
    """
    hidden = (layer for pair in pairwise((prod(shape), 128, 128)) for layer in (nn.Linear(*pair), nn.ReLU()))
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(128, classes))


def encoder(shape: tuple[int, ...], _classes: int) -> Projected:
    """Four stages of convolution of stride 2, BatchNorm, ReLU; features of 128, embeddings of 64.

    Args:
        shape: of one input, `(channels, height, width)`.

    Raises:
        UsageError: `shape` is not that of an image.
    """
    channels, _, _ = image_shape(shape)
    layers = [layer for pair in pairwise((channels, 16, 32, 64, 128)) for layer in _stage(*pair)]
    features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Projected(features, nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64)))


NETWORKS: Mapping[str, Callable[[tuple[int, ...], int], nn.Module]] = {"MLP": perceptron, "Conv4": encoder}
"""What each name builds from `(shape, classes)`; the weights are left to `repro.nets.build`."""


def _stage(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()

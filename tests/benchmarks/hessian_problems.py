"""Networks at a minimum, for measurements of their Hessian: two small enough to know its whole spectrum, two larger."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.data import load
from repro.measure import NetworkObjective, recompute_statistics
from repro.nets.init import glorot_uniform_
from repro.nets.keskar2017 import fully_connected
from repro.streams import stream

EXAMPLES, SHAPE, CLASSES = 1797, (1, 8, 8), 10
BATCH, RATE = 64, 1e-3


def convolutional(*channels: int) -> nn.Sequential:
    """Each a 3x3 convolution with BatchNorm and ReLU; then a pool, and a linear layer."""
    blocks = [
        layer
        for before, after in pairwise([SHAPE[0], *channels])
        for layer in (nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())
    ]
    features = channels[-1] * prod(SHAPE[1:]) // 4
    return nn.Sequential(*blocks, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(features, CLASSES))


class Recipe(NamedTuple):
    """How to build a network, and for how many epochs to train it."""

    build: Callable[[], nn.Sequential]
    epochs: int


NETWORKS = {
    "MLP small": Recipe(partial(fully_connected, SHAPE, CLASSES, hidden=2, width=16), 40),
    "convnet small": Recipe(partial(convolutional, 6, 8), 40),
    "MLP": Recipe(partial(fully_connected, SHAPE, CLASSES, hidden=5), 10),
    "convnet": Recipe(partial(convolutional, 16, 32, 64), 10),
}
SMALL = ("MLP small", "convnet small")


@dataclass(frozen=True)
class Problem:
    """A network in evaluation mode, and the examples over which its loss is a mean."""

    model: nn.Module
    inputs: Tensor
    labels: Tensor

    @property
    def objective(self) -> NetworkObjective:
        images = any(isinstance(layer, nn.Conv2d) for layer in self.model)
        return NetworkObjective(self.model, self.inputs, self.labels, chunk=128 if images else 1000)

    def double(self) -> Problem:
        return Problem(copy.deepcopy(self.model).double(), self.inputs.double(), self.labels)


def trained(name: str) -> Problem:
    """The network called `name` after some epochs of Adam, with the BatchNorm statistics of all examples."""
    train = load("mnist-embedded").train.take(slice(0, EXAMPLES))
    inputs, labels = F.adaptive_avg_pool2d(train.inputs.float() / 255, SHAPE[1:]), train.labels.long()
    model = NETWORKS[name].build()
    glorot_uniform_(model, stream(0, "hessian problem", name))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for epoch in range(NETWORKS[name].epochs):
        order = torch.randperm(EXAMPLES, generator=stream(0, "hessian problem", name, epoch))
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    optimizer.zero_grad()
    recompute_statistics(model, inputs)
    return Problem(model.eval(), inputs, labels)

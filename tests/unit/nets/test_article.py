"""The article's networks against counts worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.errors import UsageError
from repro.nets import build
from repro.nets.article import NETWORKS, Projected
from repro.streams import stream

GREY = (1, 28, 28)
PARAMETERS = {
    # 784 x 128 + 128, 128 x 128 + 128, 128 x 10 + 10
    "MLP": 118_282,
    # filters 144 + 4,608 + 18,432 + 73,728; BatchNorm 2 x 240; head 128 x 128 + 128, 128 x 64 + 64
    "Conv4": 122_160,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_number_of_parameters_is_that_counted_by_hand(name: str) -> None:
    model = build(name, GREY, 10, stream(0, "init"))
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]


def test_the_perceptron_has_two_hidden_layers_and_no_batch_normalisation() -> None:
    layers = [type(layer) for layer in build("MLP", GREY, 10, stream(0, "init")).children()]
    assert layers == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize("shape", [GREY, (3, 32, 32), (1, 5, 7)])
def test_the_encoder_has_features_below_its_head_whatever_the_classes(shape: tuple[int, ...]) -> None:
    model = build("Conv4", shape, 3, stream(0, "init"))
    assert isinstance(model, Projected)
    inputs = torch.rand(4, *shape, generator=stream(0, "inputs"))
    features, embeddings = model.features(inputs), model.eval()(inputs)
    assert (features.shape, embeddings.shape) == ((4, 128), (4, 64))
    assert torch.equal(embeddings, model.projection(model.features(inputs)))


def test_the_encoder_refuses_what_is_no_image() -> None:
    with pytest.raises(UsageError, match=r"shape=\(360,\) must be"):
        build("Conv4", (360,), 10, stream(0, "init"))

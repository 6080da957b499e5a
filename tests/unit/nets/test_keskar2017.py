"""The networks of Keskar et al. 2017 against the numbers that their appendix and their code imply."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from repro.errors import UsageError
from repro.nets import build
from repro.nets.keskar2017 import NETWORKS
from repro.streams import stream

COLOUR = (3, 32, 32)
PARAMETERS = {
    ("F1", (1, 28, 28), 10): 1_462_794,
    ("F2", (360,), 1973): 2_780_085,
    ("C1", COLOUR, 10): 1_757_834,
    ("C2", COLOUR, 10): 14_991_946,
    ("C3", COLOUR, 100): 1_775_204,
    ("C4", COLOUR, 100): 15_038_116,
    ("C1-stride2", COLOUR, 10): 283_274,  # by hand: C1 with 2 x 2 x 64 features in place of 8 x 8 x 64
    ("C3-stride2", COLOUR, 100): 300_644,
    ("C2-conv-dropout", COLOUR, 10): 14_991_946,
    ("C4-conv-dropout", COLOUR, 100): 15_038_116,
}


def network(name: str, shape: tuple[int, ...] = COLOUR, classes: int = 10, seed: int = 0) -> nn.Module:
    return build(name, shape, classes, stream(seed, "init"))


def kinds(model: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in model.modules()][1:]


def dropout_rates(model: nn.Module) -> list[float]:
    return [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)]


def test_every_name_has_a_count_of_parameters_here() -> None:
    assert list(NETWORKS) == list(dict.fromkeys(["F1", "F2", "C1", "C2", "C3", "C4", *(n for n, _, _ in PARAMETERS)]))


@pytest.mark.parametrize(("name", "shape", "classes"), PARAMETERS)
def test_the_number_of_parameters_is_the_papers(name: str, shape: tuple[int, ...], classes: int) -> None:
    model = network(name, shape, classes)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name, shape, classes]


@pytest.mark.parametrize(("name", "shape"), [("F1", (1, 28, 28)), ("F2", (360,)), ("C1", COLOUR), ("C2", COLOUR)])
def test_a_network_gives_one_logit_a_class_in_float32(name: str, shape: tuple[int, ...]) -> None:
    logits = network(name, shape, 7)(torch.zeros(2, *shape))
    assert logits.shape == (2, 7)
    assert logits.dtype == torch.float32


def test_f1_is_five_and_f2_seven_hidden_layers_of_batchnorm_then_relu() -> None:
    for name, hidden in (("F1", 5), ("F2", 7)):
        stage = ["Linear", "BatchNorm1d", "ReLU"]
        assert kinds(network(name, (12,))) == ["Flatten", *stage * hidden, "Linear"]


def test_c1_has_dropout_on_its_two_dense_layers_only() -> None:
    model = network("C1")
    assert dropout_rates(model) == [0.5, 0.5]
    assert kinds(model)[:8] == ["Conv2d", "BatchNorm2d", "MaxPool2d", "ReLU"] * 2


def test_the_two_readings_of_the_stride_differ_in_the_convolutions_alone() -> None:
    for name, stride in (("C1", (1, 1)), ("C1-stride2", (2, 2))):
        convolutions = [m for m in network(name).modules() if isinstance(m, nn.Conv2d)]
        assert [c.stride for c in convolutions] == [stride, stride]


def test_dropout_between_convolutions_is_in_the_variant_and_not_in_the_default() -> None:
    assert dropout_rates(network("C2")) == [0.5]
    assert dropout_rates(network("C2-conv-dropout")) == [0.3] + [0.4] * 7 + [0.5, 0.5]


def test_no_dropout_follows_the_last_convolution_of_a_stack() -> None:
    layers = kinds(network("C2-conv-dropout"))
    ends = [i for i, kind in enumerate(layers) if kind == "MaxPool2d"]
    assert len(ends) == 5
    for end in ends:
        assert layers[end - 2 : end + 2] == ["Conv2d", "BatchNorm2d", "MaxPool2d", "ReLU"]


def test_the_dropout_variant_starts_from_the_same_weights() -> None:
    plain, variant = network("C2"), network("C2-conv-dropout")
    for first, second in zip(plain.parameters(), variant.parameters(), strict=True):
        assert torch.equal(first, second)


class ReluFirst(nn.Module):
    """C1's stage as the paper orders it: activation, then pool."""

    def __init__(self, stage: nn.Sequential) -> None:
        super().__init__()
        self.convolution, self.norm, self.pool, self.relu = stage

    def forward(self, inputs: Tensor) -> Tensor:
        return self.pool(self.relu(self.norm(self.convolution(inputs))))  # type: ignore[no-any-return]


def test_pooling_before_the_relu_is_the_same_function() -> None:
    model = network("C1")
    assert isinstance(model, nn.Sequential)
    stage, inputs = model[:4], torch.randn(3, *COLOUR, generator=stream(0, "inputs"))
    assert torch.equal(stage(inputs), ReluFirst(stage)(inputs))


def test_the_pool_of_c1_is_padded_on_both_sides_alike() -> None:
    model = network("C1")
    assert isinstance(model, nn.Sequential)
    ramp = torch.arange(32.0).expand(1, 64, 32, 32)
    assert model[2](ramp)[0, 0, 0].tolist() == [1.0, *range(3, 32, 2)]


def test_channels_last_gives_the_same_logits() -> None:
    model, inputs = network("C1").eval(), torch.randn(2, *COLOUR, generator=stream(0, "inputs"))
    expected = model(inputs)
    model.to(memory_format=torch.channels_last)
    actual = model(inputs.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 40)])
def test_c1_takes_images_of_other_sizes(shape: tuple[int, ...]) -> None:
    for name in ("C1", "C1-stride2"):
        assert network(name, shape)(torch.zeros(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "rule"),
    [
        ("F9", (360,), 10, "network='F9' is unknown; choose one of F1, F2, C1"),
        ("F1", (360,), 0, "classes=0 must be at least 1"),
        ("C1", (360,), 10, r"shape=\(360,\) must be \(channels, height, width\)"),
        ("C2", (1, 28, 28), 10, r"shape=\(1, 28, 28\) must have sides of at least 32"),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, shape: tuple[int, ...], classes: int, rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        network(name, shape, classes)

"""The networks of Hoffer et al. 2017 against counts worked out by hand from the authors' code."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.errors import UsageError
from repro.nets import build, he_normal_
from repro.nets.hoffer2017 import NETWORKS
from repro.nets.residual import Block
from repro.streams import stream

COLOUR = (3, 32, 32)
PARAMETERS = {
    # 4800 + 128 + 102,400 + 128, then 3136 x 384 + 768 + 384 x 192 + 384, then 192 x 10 + 10
    ("C1-hoffer", 10): 1_388_490,
    ("C3-hoffer", 100): 1_405_860,
    # stem 464; stages 4,672, 14,528 and 57,728; output 650
    ("ResNet8", 10): 78_042,
    ("ResNet20", 10): 272_474,
    # stem 464; stages 7 x 4,672, 14,528 + 6 x 18,560, 57,728 + 6 x 73,984; output 650
    ("ResNet44", 10): 661_338,
    # stem 1,856; stages 147,968, 230,144 + 295,424, 919,040 + 1,180,672; output 25,700
    ("WResNet16-4", 100): 2_800_804,
    # as ResNet44 with 2 blocks a stage
    ("WResNet16-1", 10): 464 + 2 * 4_672 + 14_528 + 18_560 + 57_728 + 73_984 + 650,
    ("VGG16", 10): 14_728_266,
}


@pytest.mark.parametrize(("name", "classes"), PARAMETERS)
def test_the_number_of_parameters_is_that_counted_by_hand(name: str, classes: int) -> None:
    model = build(name, COLOUR, classes, stream(0, "init"))
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name, classes]


def test_every_network_has_a_count_here() -> None:
    assert {name for name, _ in PARAMETERS} == set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_one_logit_a_class(name: str) -> None:
    model = build(name, COLOUR, 7, stream(0, "init")).eval()
    logits = model(torch.rand(2, *COLOUR, generator=stream(0, "inputs")))
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("name", "layers"),
    [("ResNet8", 8), ("ResNet20", 20), ("ResNet44", 44), ("WResNet16-4", 14), ("WResNet16-1", 14)],
)
def test_depth_counts_the_3x3_convolutions_and_the_output(name: str, layers: int) -> None:
    modules = build(name, COLOUR, 10, stream(0, "init")).modules()
    assert (
        sum(isinstance(m, nn.Linear) or (isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)) for m in modules)
        == layers
    )


def test_c1_pools_before_batchnorm_and_has_no_bias_but_the_last() -> None:
    model = build("C1-hoffer", COLOUR, 10, stream(0, "init"))
    kinds = [type(layer).__name__ for layer in model]
    assert kinds[:4] == ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU"]
    biased = [layer for layer in model if isinstance(layer, (nn.Linear, nn.Conv2d)) and layer.bias is not None]
    assert biased == [model[-1]]


def test_a_block_whose_branch_is_silent_passes_its_input_through_a_relu() -> None:
    block = Block(4, 4, stride=1).eval()
    nn.init.zeros_(block.branch[-1].weight)
    inputs = torch.randn(2, 4, 6, 6, generator=stream(0, "inputs"))
    torch.testing.assert_close(block(inputs), inputs.relu())


def test_a_block_that_halves_the_side_has_a_projection() -> None:
    assert Block(4, 8, stride=2)(torch.rand(2, 4, 6, 6)).shape == (2, 8, 3, 3)
    assert isinstance(Block(4, 4, stride=1).shortcut, nn.Identity)


def test_initial_weights_have_the_authors_distributions() -> None:
    model = nn.Sequential(nn.Conv2d(8, 64, 5, bias=False), nn.Flatten(), nn.Linear(400, 300))
    he_normal_(model, stream(0, "init"))
    assert model[0].weight.std().item() == pytest.approx((2 / (25 * 64)) ** 0.5, rel=0.02)
    for tensor in (model[2].weight, model[2].bias):
        assert tensor.abs().max().item() == pytest.approx(400**-0.5, rel=0.05)
        assert tensor.std().item() == pytest.approx((400 * 3) ** -0.5, rel=0.05)


@pytest.mark.parametrize(("name", "shape"), [("ResNet8", (784,)), ("C1-hoffer", (3, 6, 6)), ("VGG16", (3, 28, 28))])
def test_inputs_that_do_not_fit_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"shape=\("):
        build(name, shape, 10, stream(0, "init"))

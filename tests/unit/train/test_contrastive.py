"""The contrastive losses against explicit loops over their defining equations."""

from __future__ import annotations

from math import exp, log, nan, sqrt

import pytest
import torch
from torch import Tensor

from repro.errors import UsageError
from repro.streams import stream
from repro.train.contrastive import dcl, nt_xent, recognised


def embeddings(count: int, size: int, of: object = 0) -> Tensor:
    return torch.randn(2, count, size, generator=stream(0, "test contrastive", of), dtype=torch.float64)


def cosine(a: list[float], b: list[float]) -> float:
    lengths = sqrt(sum(x * x for x in a)) * sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths


def by_loops(views: Tensor, temperature: float) -> float:
    """Algorithm 1 of Chen et al. 2020, where views 2k - 1 and 2k are a pair."""
    z = [view.tolist() for pair in views.unbind(1) for view in pair]
    total = 0.0
    for i in range(len(z)):
        partner = i + 1 if i % 2 == 0 else i - 1
        denominator = 0.0
        for k in range(len(z)):
            if k != i:
                denominator += exp(cosine(z[i], z[k]) / temperature)
        total -= log(exp(cosine(z[i], z[partner]) / temperature) / denominator)
    return total / len(z)


@pytest.mark.parametrize(("count", "size"), [(2, 1), (2, 3), (5, 2), (8, 16)])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_the_loss_is_what_two_loops_give(count, size, temperature) -> None:
    views = embeddings(count, size)
    assert nt_xent(views, temperature).item() == pytest.approx(by_loops(views, temperature), rel=1e-12)


def test_the_gradient_is_the_losss() -> None:
    views = embeddings(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: nt_xent(z, 0.5), views)


def test_pairs_that_agree_and_are_far_from_all_others_have_almost_no_loss() -> None:
    first = torch.eye(4, dtype=torch.float64)
    assert nt_xent(torch.stack([first, first]), 0.01).item() < 1e-40
    assert nt_xent(torch.stack([first, first.roll(1, 0)]), 0.01).item() == pytest.approx(100)


def test_a_small_temperature_neither_overflows_nor_loses_the_gradient() -> None:
    views = embeddings(3, 4).requires_grad_()
    loss = nt_xent(views, 1e-4)
    assert torch.isfinite(loss)
    assert torch.isfinite(torch.autograd.grad(loss, views)[0]).all()


def test_half_precision_is_summed_in_single_and_autocast_does_not_undo_it() -> None:
    half = embeddings(8, 16).bfloat16()
    expected = nt_xent(half.float(), 0.1)
    assert expected.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nt_xent(half, 0.1), expected)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3), (2, 1, 3), (2, 4, 3, 1)])
def test_another_shape_is_refused(shape) -> None:
    with pytest.raises(UsageError, match=r"must be \(2, N, d\) with N at least 2"):
        nt_xent(torch.ones(shape), 0.5)


@pytest.mark.parametrize("temperature", [0.0, -1.0, nan])
def test_a_temperature_that_is_not_above_zero_is_refused(temperature) -> None:
    with pytest.raises(UsageError, match=f"temperature={temperature} must be above 0"):
        nt_xent(embeddings(2, 3), temperature)


def decoupled_by_loops(views: Tensor, temperature: float) -> float:
    """Equation 6 of Yeh et al. 2021: no view of the anchor's own example stands in the denominator."""
    first, second = (view.tolist() for view in views)
    total = 0.0
    for own, others in ((first, second), (second, first)):
        for i, anchor in enumerate(own):
            negatives = [view[j] for view in (first, second) for j in range(len(view)) if j != i]
            denominator = sum(exp(cosine(anchor, negative) / temperature) for negative in negatives)
            total -= log(exp(cosine(anchor, others[i]) / temperature) / denominator)
    return total / (2 * len(first))


@pytest.mark.parametrize(("count", "size"), [(2, 1), (2, 3), (5, 2), (8, 16)])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_the_decoupled_loss_is_what_loops_give(count, size, temperature) -> None:
    views = embeddings(count, size)
    assert dcl(views, temperature).item() == pytest.approx(decoupled_by_loops(views, temperature), rel=1e-12)


@pytest.mark.parametrize("count", [2, 3, 9])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_embeddings_that_all_point_one_way_have_the_decoupled_loss_of_a_guess_among_the_negatives(
    count, temperature
) -> None:
    collapsed = torch.ones(2, count, 4, dtype=torch.float64)
    assert dcl(collapsed, temperature).item() == pytest.approx(log(2 * count - 2), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_bounds_of_the_decoupled_loss_are_reached(temperature) -> None:
    pair = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    best, worst = torch.stack([pair, pair]), torch.tensor([[[1.0], [1.0]], [[-1.0], [-1.0]]], dtype=torch.float64)
    assert dcl(best, temperature).item() == pytest.approx(log(2) - 2 / temperature, rel=1e-12)
    assert dcl(worst, temperature).item() == pytest.approx(log(1 + exp(-2 / temperature)) + 2 / temperature, rel=1e-12)


def test_the_decoupled_losss_gradient_is_its_own() -> None:
    views = embeddings(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: dcl(z, 0.5), views)


def test_where_all_anchors_are_alike_one_loss_is_a_function_of_the_other() -> None:
    first = torch.eye(4, dtype=torch.float64)
    views = torch.stack([first, first])
    assert nt_xent(views, 0.5).item() == pytest.approx(log(1 + exp(dcl(views, 0.5).item())), rel=1e-12)


def test_an_example_is_recognised_where_each_view_is_the_others_nearest() -> None:
    first = torch.eye(3)
    assert recognised(torch.stack([first, first])) == 3
    assert recognised(torch.stack([first, first.roll(1, 0)])) == 0
    near = torch.tensor([[[1.0, 0.1], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.2]]])  # the fourth is nearest to the first
    assert recognised(near) == 0
    near[1, 1] = torch.tensor([0.1, 1.0])
    assert recognised(near) == 2

"""Gradients accumulated over micro-batches, counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from repro.errors import UsageError
from repro.train.accumulation import accumulate_gradient


def slope(labels: list[float], **settings) -> tuple[float, float]:
    """Loss and gradient at w = 0 of the mean of `(w x - y)`, whose gradient is the mean of x; here y = x."""
    w = nn.Parameter(torch.zeros(()))
    x = torch.tensor(labels)
    loss = accumulate_gradient(lambda inputs, targets: (w * inputs - targets).mean(), x, x, **settings)
    assert not loss.requires_grad
    assert w.grad is not None
    return loss.item(), w.grad.item()


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 4, 5, 9])
def test_loss_and_gradient_are_means_over_examples(micro_batch) -> None:
    assert slope([1.0, 2.0, 3.0, 4.0, 10.0], micro_batch=micro_batch) == pytest.approx((-4, 4))


def test_alike_weighs_the_last_micro_batch_as_the_others() -> None:
    assert slope([1.0, 2.0, 3.0, 4.0, 10.0], micro_batch=2, weighting="alike") == pytest.approx((-5, 5))


def test_gradients_are_added_to_what_is_there() -> None:
    w = nn.Parameter(torch.zeros(()))
    ones = torch.ones(4)
    for _ in range(2):
        accumulate_gradient(lambda inputs, _: (w * inputs).mean(), ones, ones, micro_batch=3)
    assert w.grad is not None
    assert w.grad.item() == pytest.approx(2)


def test_each_micro_batch_is_seen_once_and_in_order() -> None:
    seen: list[list[float]] = []

    def loss(inputs: Tensor, _: Tensor) -> Tensor:
        seen.append(inputs.tolist())
        return torch.zeros((), requires_grad=True)

    examples = torch.arange(5.0)
    accumulate_gradient(loss, examples, examples, micro_batch=2)
    assert seen == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(("count", "micro_batch"), [(3, 0), (0, 2)])
def test_nothing_to_accumulate_is_refused(count, micro_batch) -> None:
    with pytest.raises(UsageError, match=f"micro_batch={micro_batch} of {count} examples"):
        accumulate_gradient(lambda inputs, _: inputs.sum(), *[torch.ones(count)] * 2, micro_batch=micro_batch)


def test_an_unknown_weighting_is_refused() -> None:
    with pytest.raises(UsageError, match="weighting='batches' must be 'examples' or 'alike'"):
        accumulate_gradient(lambda inputs, _: inputs.sum(), *[torch.ones(2)] * 2, micro_batch=1, weighting="batches")

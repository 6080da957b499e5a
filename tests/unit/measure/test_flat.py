"""Parameters to one vector and back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.errors import UsageError
from repro.measure import flatten, load_vector_, to_vector, unflatten


def test_flattening_and_back_is_the_identity() -> None:
    tensors = [torch.arange(6.0).view(2, 3), torch.tensor(7.0), torch.zeros(0)]
    for tensor, back in zip(tensors, unflatten(flatten(tensors), tensors), strict=True):
        assert torch.equal(tensor, back)


def test_the_layout_in_memory_does_not_matter() -> None:
    images = torch.arange(24.0).view(1, 2, 3, 4)
    assert torch.equal(flatten([images.contiguous(memory_format=torch.channels_last)]), torch.arange(24.0))


def test_a_vector_read_and_loaded_changes_what_was_selected_only() -> None:
    model = nn.Linear(2, 1)
    weight = model.weight.detach().clone()
    load_vector_(model, to_vector(model, ["bias"]) + 1, ["bias"])
    load_vector_(model, torch.tensor([5.0]), ["bias"])
    assert model.bias.item() == 5
    assert torch.equal(model.weight, weight)
    assert model.bias.requires_grad


def test_the_vector_is_no_view_of_the_model() -> None:
    model = nn.Linear(2, 1, bias=False)
    vector = to_vector(model)
    vector.zero_()
    assert model.weight.ne(0).any()


@pytest.mark.parametrize("vector", [torch.zeros(4), torch.zeros(2, 3)])
def test_a_vector_of_another_shape_is_refused(vector: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="one entry a parameter"):
        unflatten(vector, [torch.zeros(2), torch.zeros(4)])


def test_a_frozen_network_has_nothing_to_select() -> None:
    with pytest.raises(UsageError, match="no parameter is selected"):
        to_vector(nn.Linear(2, 1).requires_grad_(False))

from __future__ import annotations

import pytest
import torch

from repro.data import Dataset, Split

PIXELS = Split(torch.tensor([[[[0, 51]]], [[[102, 255]]], [[[1, 2]]]], dtype=torch.uint8), torch.tensor([2, 0, 1]))


def test_a_batch_of_pixels_is_float32_between_zero_and_one_in_the_order_asked_for() -> None:
    inputs, labels = PIXELS.batch(torch.tensor([1, 0]))
    assert inputs.dtype == torch.float32
    assert torch.equal(inputs, torch.tensor([[[[0.4, 1.0]]], [[[0.0, 0.2]]]]))
    assert labels.tolist() == [0, 2]


def test_a_slice_gives_the_same_batch_as_the_positions_it_stands_for() -> None:
    for by_slice, by_position in zip(PIXELS.batch(slice(1, 3)), PIXELS.batch(torch.tensor([1, 2])), strict=True):
        assert torch.equal(by_slice, by_position)


def test_features_are_used_as_they_are() -> None:
    features = torch.tensor([[-3.0, 300.0]])
    inputs, _ = Split(features, torch.tensor([0])).batch(slice(None))
    assert torch.equal(inputs, features)


def test_a_batch_leaves_the_split_untouched() -> None:
    PIXELS.batch(slice(None))[0].zero_()
    assert PIXELS.inputs.sum() == 51 + 102 + 255 + 3


def test_taken_examples_keep_their_labels() -> None:
    taken = PIXELS.take(torch.tensor([2]))
    assert (len(taken), taken.inputs.tolist(), taken.labels.tolist()) == (1, [[[[1, 2]]]], [1])


def test_the_shape_is_that_of_one_input() -> None:
    assert Dataset("tiny", PIXELS, PIXELS, 3).shape == (1, 1, 2)


def test_a_label_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match=r"labels of shape \(4,\) must match inputs of shape \(3, 1, 1, 2\)"):
        Split(PIXELS.inputs, torch.tensor([0, 0, 0, 0]))


def test_other_number_types_are_refused() -> None:
    with pytest.raises(ValueError, match="must be uint8 or float32 and labels"):
        Split(PIXELS.inputs, PIXELS.labels.int())
    with pytest.raises(ValueError, match=r"inputs torch.float64 must be uint8"):
        Split(PIXELS.inputs.double(), PIXELS.labels)

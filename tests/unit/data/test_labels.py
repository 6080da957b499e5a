from __future__ import annotations

import numpy as np
import pytest
import torch

from repro.data.labels import checked_labels, first_of_each_class
from repro.errors import DataError


def test_the_first_of_each_class_keep_their_original_order() -> None:
    labels = torch.tensor([1, 0, 1, 1, 0, 0, 1])
    assert first_of_each_class(labels, 2, 2).tolist() == [0, 1, 2, 4]


def test_a_class_that_is_too_small_is_named_by_its_size() -> None:
    with pytest.raises(ValueError, match="count=3 must be at most 2"):
        first_of_each_class(torch.tensor([0, 0, 0, 1, 1]), 3, 2)


def test_a_class_without_examples_is_too_small() -> None:
    with pytest.raises(ValueError, match="must be at most 0"):
        first_of_each_class(torch.tensor([0, 1]), 1, 3)


@pytest.mark.parametrize("wrong", [3, -1])
def test_a_label_out_of_range_is_named_with_its_position(wrong: int) -> None:
    with pytest.raises(DataError, match=rf"the file: label {wrong} of example 1 must lie in 0\.\.2"):
        checked_labels(np.array([2, wrong, 0]), 3, "the file")


def test_labels_in_range_become_int64() -> None:
    labels = checked_labels(np.array([0, 2], np.uint8), 3, "the file")
    assert labels.dtype == torch.int64
    assert labels.tolist() == [0, 2]

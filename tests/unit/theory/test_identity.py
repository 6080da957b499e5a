from __future__ import annotations

import math

import pytest
import torch

from repro.theory import identities
from repro.theory.identity import relative_gap


def test_a_gap_is_a_fraction_of_the_larger_side() -> None:
    assert relative_gap(torch.tensor([1.0, -4.0]), torch.tensor([1.0, -3.0])) == 0.25
    assert relative_gap(3.0, -4.0) == 1.75


def test_two_zeros_have_no_gap() -> None:
    assert relative_gap(torch.zeros(3), torch.zeros(3)) == 0.0


@pytest.mark.parametrize(("left", "right"), [(math.nan, 1.0), (0.0, math.nan), (math.nan, math.nan)])
def test_what_is_not_a_number_is_never_a_small_gap(left: float, right: float) -> None:
    assert not relative_gap(left, right) < 1.0


def test_sides_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be the same"):
        relative_gap(torch.zeros(2), torch.zeros(3))


def test_every_identity_says_what_where_and_when() -> None:
    for id_, identity in identities().items():
        assert id_ == identity.id
        assert all([identity.title, identity.statement, identity.source, identity.premises])

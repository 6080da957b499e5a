"""An objective with only some coordinates free."""

from __future__ import annotations

import pytest
import torch

from repro.measure import Quadratic
from repro.measure.restriction import Restriction
from repro.streams import stream


@pytest.fixture
def restricted() -> tuple[Quadratic, torch.Tensor, Restriction]:
    generator = stream(0, "restriction")
    root = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    whole = Quadratic(torch.randn(5, generator=generator, dtype=torch.float64), root @ root.T, 0.3)
    x = torch.randn(5, generator=generator, dtype=torch.float64)
    return whole, x, Restriction(whole, x, torch.tensor([1, 4]))


def test_it_begins_where_the_whole_does(restricted: tuple[Quadratic, torch.Tensor, Restriction]) -> None:
    whole, x, part = restricted
    assert part.size == 2
    assert torch.equal(part.start, x[[1, 4]])
    assert part.value(part.start) == whole.value(x)


def test_value_gradient_and_curvature_are_the_wholes_blocks(
    restricted: tuple[Quadratic, torch.Tensor, Restriction],
) -> None:
    whole, x, part = restricted
    moved = x.clone()
    moved[[1, 4]] = torch.tensor([2.0, -1.0], dtype=torch.float64)
    value, gradient = whole.value_and_grad(moved)
    assert part.value_and_grad(moved[[1, 4]])[0] == value
    assert torch.equal(part.value_and_grad(moved[[1, 4]])[1], gradient[[1, 4]])
    unit = torch.zeros(5, dtype=torch.float64)
    unit[4] = 1
    block = part.hvp(part.start, torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert torch.allclose(block, whole.hvp(x, unit)[[1, 4]])


def test_the_point_it_was_made_at_does_not_move(restricted: tuple[Quadratic, torch.Tensor, Restriction]) -> None:
    _, x, part = restricted
    before = x.clone()
    part.value_and_grad(torch.ones(2, dtype=torch.float64))
    assert torch.equal(x, before)


def test_points_of_any_precision_are_taken_and_the_start_is_float64() -> None:
    x = torch.tensor([1.0, 2.0, 3.0])
    part = Restriction(Quadratic(torch.ones(3), torch.ones(3)), x, torch.tensor([0, 2]))
    assert part.start.dtype == torch.float64
    assert part.value(torch.tensor([0.5, 0.25])) == pytest.approx(0.5 + 2 + 0.25 + 0.5 * (0.25 + 4 + 0.0625))
    assert torch.equal(x, torch.tensor([1.0, 2.0, 3.0]))

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.errors import UsageError
from repro.measure import leading_terms, overlaps

SIZE, EPS, LOSS = 5, 0.01, 0.5


def unit(seed: int) -> Tensor:
    drawn = torch.randn(SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn / drawn.norm()


def sharpest_corner(x: Tensor, gradient: Tensor, value: float, vector: Tensor) -> float:
    """φ of `LOSS + g·z + λ (v·z)²/2` by looking at every corner of the box; it is convex for λ ≥ 0."""
    widths = EPS * (x.abs() + 1)
    corners = [widths * torch.tensor(signs, dtype=torch.float64) for signs in product((-1, 1), repeat=SIZE)]
    rises = [float(gradient @ z + value * (vector @ z) ** 2 / 2) for z in corners]
    return 100 * max(rises) / (1 + LOSS)


@given(st.integers(0, 1000), st.floats(0.1, 100.0))
def test_each_term_is_the_sharpness_of_its_part_alone(seed: int, value: float) -> None:
    x, gradient, vector = 3 * unit(seed), unit(seed + 1), unit(seed + 2)
    found = leading_terms(x, LOSS, gradient, value, vector)
    nothing = torch.zeros(SIZE, dtype=torch.float64)
    assert found.slope * EPS == pytest.approx(sharpest_corner(x, gradient, 0.0, vector))
    assert found.curvature * EPS**2 == pytest.approx(sharpest_corner(x, nothing, value, vector))


@given(st.integers(0, 1000), st.floats(0.1, 100.0))
def test_both_together_lie_between_the_larger_term_and_their_sum(seed: int, value: float) -> None:
    x, gradient, vector = 3 * unit(seed), unit(seed + 1), unit(seed + 2)
    found = leading_terms(x, LOSS, gradient, value, vector)
    terms = found.slope * EPS, found.curvature * EPS**2
    both = sharpest_corner(x, gradient, value, vector)
    assert max(terms) * (1 - 1e-12) <= both <= sum(terms) * (1 + 1e-12)


def test_without_a_positive_eigenvalue_curvature_adds_nothing() -> None:
    assert leading_terms(unit(0), LOSS, unit(1), -3.0, unit(2)).curvature == 0.0


def test_a_loss_below_minus_one_is_refused() -> None:
    with pytest.raises(UsageError, match=r"1 \+ f\(x\) = -0.5 must be positive"):
        leading_terms(unit(0), -1.5, unit(1), 1.0, unit(2))


def test_overlaps_share_out_the_gradient_among_the_directions() -> None:
    basis, _ = torch.linalg.qr(torch.stack([unit(seed) for seed in range(SIZE)], 1))
    rows, gradient = basis.T, 3 * unit(9)
    assert overlaps(gradient, rows).sum().item() == pytest.approx(1.0)
    torch.testing.assert_close(overlaps(-2 * rows[1], rows), torch.eye(SIZE, dtype=torch.float64)[1])

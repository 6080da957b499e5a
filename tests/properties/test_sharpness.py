from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.measure.quadratic import Quadratic
from repro.measure.sharpness import sharpness

sizes = st.integers(1, 8)
seeds = st.integers(0, 10_000)
radii = st.sampled_from([1e-3, 5e-4, 0.1, 0.5])


def draw(size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A gradient, curvatures of both signs, and a point."""
    generator = torch.Generator().manual_seed(seed)
    g, h, x = torch.randn(3, size, generator=generator).double()
    return g, h, x


def convex(size: int, seed: int, constant: float = 50.0) -> tuple[Quadratic, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(size, size, generator=generator).double()
    g, _, x = draw(size, seed)
    return Quadratic(g, a @ a.T, constant), x


@settings(max_examples=25)
@given(sizes, seeds, radii)
def test_sharpness_is_the_closed_form_of_any_separable_quadratic(size, seed, eps):
    g, h, x = draw(size, seed)
    f = Quadratic(g - h * x, h, 50.0)
    b = eps * (x.abs() + 1)
    corner = g.abs() * b + h * b * b / 2
    inner = torch.where((h < 0) & (g.abs() < -h * b), -g * g / (2 * h), corner)
    exact = 100 * inner.sum().item() / (1 + f.value(x))
    assert sharpness(f, x, eps).value == pytest.approx(exact, rel=1e-5)


@settings(max_examples=15)
@given(sizes, seeds, radii)
def test_sharpness_is_positive_wherever_there_is_a_slope(size, seed, eps):
    f, x = convex(size, seed)
    for rule in ("published", "ascent", "searched"):
        assert sharpness(f, x, eps, rule=rule).value > 0


@settings(max_examples=15)
@given(st.integers(1, 5), seeds, st.floats(1e-3, 0.5), st.floats(1.0, 4.0))
def test_sharpness_never_falls_when_the_box_grows(size, seed, eps, factor):
    f, x = convex(size, seed)
    small, large = (sharpness(f, x, e).value for e in (eps, factor * eps))
    assert large >= small * (1 - 1e-6)


@settings(max_examples=15)
@given(sizes, seeds, st.floats(0.0, 50.0))
def test_a_constant_added_to_the_loss_only_changes_the_denominator(size, seed, constant):
    (f, x), (higher, _) = convex(size, seed), convex(size, seed, 50.0 + constant)
    one, other = sharpness(f, x), sharpness(higher, x)
    assert other.value * (1 + other.loss) == pytest.approx(one.value * (1 + one.loss), rel=1e-6)


@settings(max_examples=15)
@given(sizes, seeds, st.randoms(use_true_random=False))
def test_the_order_of_the_variables_does_not_matter(size, seed, random):
    f, x = convex(size, seed)
    order = random.sample(range(size), size)
    shuffled = Quadratic(f.gradient[order], f.hessian[order][:, order], f.constant)
    assert sharpness(shuffled, x[order]).value == pytest.approx(sharpness(f, x).value, rel=1e-6)


@settings(max_examples=15)
@given(sizes, seeds, radii)
def test_what_was_found_is_a_point_of_the_box_so_the_maximum_is_never_overstated(size, seed, eps):
    f, x = convex(size, seed)
    for rule in ("published", "ascent", "searched"):
        found = sharpness(f, x, eps, rule=rule)
        assert (found.displacement.abs() <= eps * (x.abs() + 1) * (1 + 1e-12)).all()
        assert f.value(x + found.displacement) == pytest.approx(found.maximum, rel=1e-12)

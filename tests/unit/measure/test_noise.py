from __future__ import annotations

from dataclasses import asdict

import pytest

from repro.errors import UsageError
from repro.measure.noise import GradientNoise, gradient_noise


def estimate(**changed: float) -> GradientNoise:
    plain = {"small_batch": 1, "large_batch": 4, "small_squared_norm": 5.0, "large_squared_norm": 2.0}
    return gradient_noise(**{**plain, **changed})


def test_the_two_parts_are_those_that_explain_both_squared_norms():
    found = estimate()
    assert asdict(found) == pytest.approx({"squared_gradient": 1.0, "trace": 4.0}, rel=1e-15)
    for batch, squared_norm in ((1, 5.0), (4, 2.0)):
        assert found.squared_gradient + found.trace / batch == pytest.approx(squared_norm, rel=1e-15)


def test_gradients_that_are_all_alike_have_no_noise():
    assert estimate(small_squared_norm=3.0, large_squared_norm=3.0) == GradientNoise(squared_gradient=3.0, trace=0.0)


def test_gradients_that_are_all_zero_are_no_error():
    assert estimate(small_squared_norm=0.0, large_squared_norm=0.0) == GradientNoise(squared_gradient=0.0, trace=0.0)


def test_gradients_that_are_all_noise_have_no_mean():
    assert estimate(small_squared_norm=4.0, large_squared_norm=1.0).squared_gradient == 0


def test_the_simple_noise_scale_is_the_noise_of_one_example_over_the_squared_gradient():
    assert estimate().simple_noise_scale() == pytest.approx(4.0, rel=1e-15)


@pytest.mark.parametrize("squared_gradient", [0.0, -0.25, float("nan")])
def test_a_squared_gradient_that_is_not_positive_has_no_noise_scale(squared_gradient):
    with pytest.raises(UsageError, match=f"squared_gradient={squared_gradient} must be positive; estimate it from"):
        GradientNoise(squared_gradient, 1.0).simple_noise_scale()


@pytest.mark.parametrize(("small", "large"), [(0, 4), (4, 4), (8, 4), (-1, 4), (1.0, 4), (1, 4.0), (True, 4)])
def test_batches_that_are_not_two_rising_whole_numbers_are_refused(small, large):
    with pytest.raises(UsageError, match=f"small_batch={small} and large_batch={large} must be whole numbers"):
        estimate(small_batch=small, large_batch=large)


@pytest.mark.parametrize("name", ["small_squared_norm", "large_squared_norm"])
@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_a_squared_norm_that_none_can_have_is_refused(name, value):
    with pytest.raises(UsageError, match=f"{name}={value} must be finite and not negative"):
        estimate(**{name: value})

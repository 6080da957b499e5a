from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from repro.claims.estimate import one_sample, paired, welch
from repro.streams import stream


def _values(name, n):
    return (torch.randn(n, generator=stream(0, name), dtype=torch.float64) * 2 + 0.7).tolist()


def test_one_degree_of_freedom_has_the_interval_of_the_cauchy_distribution():
    # Student's t with 1 degree of freedom is Cauchy, whose quantile is tan(pi (q - 1/2)).
    low, high = one_sample([1.0, 3.0]).interval(0.05)
    half = math.tan(math.pi * 0.475) * 1.0
    assert (low, high) == pytest.approx((2 - half, 2 + half))


def test_two_degrees_of_freedom_have_the_closed_form_of_p():
    # P(T > t) = 1/2 - t / (2 sqrt(2 + t^2)).
    estimate = one_sample([1.0, 2.0, 6.0])
    t = 3 / math.sqrt(7 / 3)
    assert estimate.sd == pytest.approx(math.sqrt(7))
    assert estimate.p_zero() == pytest.approx(1 - t / math.sqrt(2 + t * t))


def test_one_sample_agrees_with_scipy():
    values = _values("one", 7)
    theirs = stats.ttest_1samp(values, 0)
    ours = one_sample(values)
    assert (ours.p_zero(), ours.df) == pytest.approx((theirs.pvalue, theirs.df))
    assert ours.interval(0.05) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_paired_agrees_with_scipy():
    treatment, control = _values("t", 6), _values("c", 6)
    theirs = stats.ttest_rel(treatment, control)
    ours = paired(treatment, control)
    assert (ours.p_zero(), ours.df) == pytest.approx((theirs.pvalue, theirs.df))
    assert ours.interval(0.01) == pytest.approx(tuple(theirs.confidence_interval(0.99)))


@pytest.mark.parametrize(("n", "m"), [(2, 9), (5, 5), (8, 3)])
def test_welch_agrees_with_scipy(n, m):
    treatment, control = _values("t", n), [10 * value for value in _values("c", m)]
    theirs = stats.ttest_ind(treatment, control, equal_var=False)
    ours = welch(treatment, control)
    assert (ours.p_zero(), ours.df) == pytest.approx((theirs.pvalue, theirs.df))
    assert ours.interval(0.1) == pytest.approx(tuple(theirs.confidence_interval(0.9)))


def test_equivalence_is_the_larger_of_scipys_one_sided_tests():
    values = _values("one", 7)
    above = stats.ttest_1samp(values, -1, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 3, alternative="less").pvalue
    assert one_sample(values).p_outside(-1, 3) == pytest.approx(max(above, below))


def test_one_value_has_a_mean_and_nothing_else():
    for estimate in (one_sample([2.0]), paired([3.0], [1.0]), welch([3.0], [1.0]), welch([3.0], [0.0, 2.0])):
        assert estimate.mean == 2.0
        assert (estimate.sd, estimate.interval(0.05), estimate.p_zero(), estimate.p_outside(-1, 1)) == (None,) * 4


@pytest.mark.parametrize(
    "same",
    [
        one_sample([0.5, 0.5, 0.5]),
        paired([98.95, 98.0, 97.35], [98.45, 97.5, 96.85]),
        welch([1.0, 1.0], [0.5, 0.5]),
        one_sample([0.0, 0.0]),
        paired([1.0, 0.3, 1.0], [1.0 - 2**-53, 0.3, 1.0 - 2**-53]),
    ],
)
def test_values_that_agree_but_for_rounding_have_a_mean_and_no_interval(same):
    assert same.mean == pytest.approx(0.5) or abs(same.mean) < 1e-15
    assert same.sd == 0
    assert (same.interval(0.05), same.p_zero(), same.p_outside(-1, 1)) == (None,) * 3


def test_a_small_spread_is_a_spread():
    low, high = one_sample([0.5, 0.5, 0.5001]).interval(0.05)
    assert 0 < high - low < 0.001


def test_no_value_is_an_error():
    with pytest.raises(ValueError, match="at least one value"):
        one_sample([])
    with pytest.raises(ValueError, match="zip"):
        paired([1.0, 2.0], [1.0])

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.claims.cell import cell
from repro.errors import DataError


@pytest.fixture
def comparison(declare):
    return declare()[0].primary


def test_the_effect_is_treatment_minus_control_of_the_same_seed(comparison, pairs):
    found = cell(comparison, pairs(sb=[98.0, 90.0], lb=[97.0, 87.0])).estimate
    assert (found.mean, found.sd) == (pytest.approx(-2.0), pytest.approx(2**0.5))


def test_pairs_follow_the_seed_and_not_the_order(comparison, observation):
    rows = [observation(1.0, arm="SB", seed=0), observation(5.0, arm="SB", seed=1)]
    rows += [observation(6.0, arm="LB", seed=1), observation(2.0, arm="LB", seed=0)]
    assert cell(comparison, rows).estimate.sd == 0.0


def test_a_log_scale_gives_decades(comparison, pairs):
    found = cell(replace(comparison, scale="log10"), pairs(sb=[1.0, 10.0], lb=[100.0, 1000.0])).estimate
    assert (found.mean, found.sd) == (2.0, 0.0)


def test_independent_arms_may_have_different_seeds(comparison, observation):
    rows = [observation(float(v), arm="SB", seed=s) for s, v in enumerate((1, 2, 3))]
    rows += [observation(float(v), arm="LB", seed=10 + s) for s, v in enumerate((6, 8))]
    assert cell(comparison, rows).estimate is None
    assert cell(replace(comparison, pairing="welch"), rows).estimate.mean == 5.0


def test_one_sample_needs_no_arms(comparison, observation):
    alone = replace(comparison, pairing="one-sample", arms=())
    assert cell(alone, [observation(v, arm="", seed=s) for s, v in enumerate((1.0, 3.0))]).estimate.mean == 2.0


def test_failed_and_diverged_runs_are_counted_and_never_averaged(comparison, pairs, observation):
    rows = pairs(sb=[98.0, 98.0, 98.0], lb=[97.0, 97.0])
    rows += [observation(arm="LB", seed=2, status="diverged"), observation(arm="LB", seed=3, status="failed")]
    found = cell(comparison, rows)
    assert (found.n, found.failed, found.diverged) == (3, 1, 1)
    assert (found.estimate.mean, found.estimate.df) == (-1.0, 1)


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("arm", ["sb", "lb"])
def test_a_value_without_a_logarithm_is_a_failure_and_none_is_left_to_stand_for_it(comparison, pairs, value, arm):
    rows = pairs(**{"sb": [1.0, 1.0, 1.0], "lb": [10.0, 10.0, 10.0]} | {arm: [1.0, 1.0, value]})
    found = cell(replace(comparison, scale="log10"), rows)
    assert (found.n, found.failed, found.without_logarithm, found.estimate) == (3, 1, 1, None)
    assert cell(comparison, rows).without_logarithm == 0


def test_the_smallest_arm_counts(comparison, pairs):
    assert cell(comparison, pairs(sb=[1.0, 2.0, 3.0], lb=[1.0])).n == 1
    assert cell(comparison, pairs(sb=[1.0], lb=[])).n == 0


def test_an_unknown_arm_is_named(comparison, observation):
    with pytest.raises(DataError, match="arm 'MB' must be one of 'LB', 'SB'"):
        cell(comparison, [observation(arm="MB")])

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import UsageError
from repro.measure.affine import Affine, fit_affine
from repro.measure.cost import bytes_moved, cheapest_batch, need, saturation

BATCHES = (1, 8, 64, 512)
positive = st.floats(0.01, 100)


def line(intercept: float, slope: float) -> Affine:
    return fit_affine(BATCHES, [intercept + slope * batch for batch in BATCHES])


def seconds(cost: Affine, needed: Affine, batch: float) -> float:
    return needed.at(batch) / batch * cost.at(batch)


def test_at_saturation_the_overhead_is_that_share_of_the_work():
    cost = line(3.0, 0.5)
    batch = saturation(cost, 0.1)
    assert batch == pytest.approx(60)
    assert cost.intercept / (cost.slope * batch) == pytest.approx(0.1)
    assert saturation(Affine(-1.0, 0.5, (0, 0, 0), 1, ()), 0.1) == 0


def test_updates_of_the_law_give_its_critical_batch():
    # S_min 100 and E_min 6,400: at the critical batch of 64 twice the fewest updates and twice the fewest examples
    updates = [100 * (1 + 64 / batch) for batch in BATCHES]
    needed = need(BATCHES, updates)
    assert (needed.slope, needed.intercept, needed.balance) == pytest.approx((100, 6400, 64))
    assert updates[2] == pytest.approx(200)
    for batch, count in zip(BATCHES, updates, strict=True):
        assert (count / needed.slope - 1) * (batch * count / needed.intercept - 1) == pytest.approx(1)


@given(positive, positive, positive, positive, st.floats(0.001, 10_000))
def test_no_batch_costs_fewer_seconds_than_the_cheapest(a, c, examples, updates, other):
    cost, needed = line(a, c), line(examples, updates)
    assert seconds(cost, needed, cheapest_batch(cost, needed)) <= seconds(cost, needed, other) * (1 + 1e-9)


@given(positive, positive, positive, positive)
def test_control_the_critical_batch_alone_is_beaten_where_overhead_differs(a, c, examples, updates):
    cost, needed = line(a, c), line(examples, updates)
    best = seconds(cost, needed, cheapest_batch(cost, needed))
    elsewhere = abs(cost.balance / needed.balance - 1) > 0.1
    assert (seconds(cost, needed, needed.balance) > best * (1 + 1e-9)) or not elsewhere


@given(positive, positive, positive, positive, st.floats(0.01, 100))
def test_a_machine_of_another_speed_has_the_same_cheapest_batch(a, c, examples, updates, k):
    needed = line(examples, updates)
    assert cheapest_batch(line(k * a, k * c), needed) == pytest.approx(cheapest_batch(line(a, c), needed), rel=1e-6)


def test_an_update_moves_every_parameter_and_its_gradient_once():
    assert bytes_moved(10, 1_000) == 10 * (4_000 + 4_000)


def test_a_share_that_is_not_positive_is_refused():
    with pytest.raises(UsageError, match="share=0 must be positive"):
        saturation(line(1.0, 1.0), 0)

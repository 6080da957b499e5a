"""Timing against a clock that is not one: it moves by what a made machine would take."""

from __future__ import annotations

import numpy as np
import pytest

from repro.errors import UsageError
from repro.measure.timing import Timing, time_batches

BATCHES = (1, 4, 16, 64, 256)


class Machine:
    """A clock and a call: `a + c b` seconds, times a random factor, times a drift over time."""

    def __init__(self, overhead: float, slope: float, noise: float = 0.0, drift: float = 0.0, speed: float = 1.0):
        self.overhead, self.slope, self.noise, self.drift, self.speed = overhead, slope, noise, drift, speed
        self.now, self.calls = 0.0, []
        self.random = np.random.default_rng(0)

    def work(self, batch: int) -> None:
        self.calls.append(batch)
        factor = (1 + self.noise * self.random.standard_normal()) * (1 + self.drift * len(self.calls))
        self.now += (self.overhead + self.slope * batch) * factor * self.speed

    def time(self, **options: float) -> Timing:
        return time_batches(self.work, BATCHES, clock=lambda: self.now, **options)


def test_a_machine_without_noise_is_timed_exactly():
    cost = Machine(3e-4, 2e-5).time().cost()
    assert (cost.intercept, cost.slope) == pytest.approx((3e-4, 2e-5), rel=1e-9)


@pytest.mark.parametrize("speed", [0.05, 1.0, 20.0])
def test_a_machine_of_any_speed_has_its_line_within_the_intervals(speed):
    cost = Machine(3e-4, 2e-5, noise=0.1, speed=speed).time().cost()
    assert abs(cost.intercept - 3e-4 * speed) < cost.error(1, 0)
    assert abs(cost.slope - 2e-5 * speed) < cost.error(0, 1)
    assert cost.balance == pytest.approx(15, rel=0.1)


def test_drift_touches_all_batches_alike():
    # over an even number of rounds, forwards and backwards, a linear drift cancels in the means
    timing = Machine(3e-4, 2e-5, drift=1e-4).time(rounds=10, least=1e-9)
    means = [sum(each) / len(each) for each in timing.seconds]
    factors = [mean / (3e-4 + 2e-5 * batch) for mean, batch in zip(means, BATCHES, strict=True)]
    assert factors == pytest.approx([factors[0]] * len(BATCHES), rel=1e-9)
    assert factors[0] > 1.001


def test_one_round_that_another_program_spoilt_moves_no_median():
    machine = Machine(3e-4, 2e-5)
    seconds = machine.time(rounds=7).seconds
    spoilt = Timing(BATCHES, tuple((*each[:6], 100 * each[6]) for each in seconds))
    assert spoilt.medians == pytest.approx([3e-4 + 2e-5 * batch for batch in BATCHES])


def test_calls_are_repeated_until_a_number_rests_on_enough_seconds():
    machine = Machine(1e-3, 1e-5)
    machine.time(rounds=6, least=0.01)
    # a warm-up, one to count by, and six rounds of ceil(0.01 / 0.00101) = 10 calls
    assert machine.calls.count(1) == 2 + 6 * 10
    assert machine.calls.count(256) == 2 + 6 * 3
    assert machine.calls[:2] == [1, 1]


def test_a_first_call_that_is_slow_is_not_counted():
    machine = Machine(1e-3, 1e-5)
    slow = set(BATCHES)

    def work(batch: int) -> None:
        machine.now += 5.0 * (batch in slow)
        slow.discard(batch)
        machine.work(batch)

    cost = time_batches(work, BATCHES, clock=lambda: machine.now).cost()
    assert (cost.intercept, cost.slope) == pytest.approx((1e-3, 1e-5), rel=1e-9)


def test_a_median_has_the_interval_of_its_order_statistics():
    # of nine, the second and the eighth: 1 - 2 P(at most 1 of 9 heads) = 0.961
    timing = Timing((1,), ((9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0),))
    assert timing.medians == (5.0,)
    assert timing.intervals == ((2.0, 8.0),)
    assert Timing((1,), (tuple(map(float, range(6))),)).intervals == ((0.0, 5.0),)


def test_the_interval_of_a_median_covers_it_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    rows = tuple(tuple(random.exponential(size=9).tolist()) for _ in range(1000))
    share = sum(low <= np.log(2) <= high for low, high in Timing(tuple(range(1000)), rows).intervals) / 1000
    assert share == pytest.approx(0.961, abs=0.02)


@pytest.mark.parametrize(("batches", "rounds"), [((), 9), ((0, 1), 9), ((2, 1), 9), ((1, 1), 9), ((1, 2), 5)])
def test_batches_that_do_not_rise_and_too_few_rounds_are_refused(batches, rounds):
    with pytest.raises(UsageError, match="must rise from 1 or more"):
        time_batches(lambda _: None, batches, rounds=rounds)


def test_by_default_seconds_are_those_of_the_processor():
    timing = time_batches(lambda batch: sum(range(2000 * batch)), (1, 2, 4), rounds=6, least=1e-4)
    assert all(seconds > 0 for seconds in timing.medians)

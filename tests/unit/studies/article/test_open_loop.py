"""Requests under a virtual clock: what a machine of known costs would take."""

from __future__ import annotations

from itertools import pairwise

import pytest

from repro.studies.article.open_loop import poisson_arrivals, serve

MS = 1e-3
A, C = 0.2 * MS, 0.02 * MS


def served(loop, arrivals, *, largest=64, deadline=4 * MS, patience=0.1, speed=1.0):
    def compute(requests):
        loop.work(speed * (A + C * len(requests)))
        return requests

    return loop.run_until_complete(
        serve(compute, arrivals, largest=largest, deadline=deadline, patience=patience, clock=loop.time)
    )


def test_one_by_one_every_request_is_a_call(loop):
    alone = served(loop, [0.0, 0.01, 0.02], largest=1)
    assert alone.batches == (1, 1, 1)
    assert alone.latencies == pytest.approx([A + C] * 3)
    assert alone.model_seconds == pytest.approx(3 * (A + C))


def test_together_they_are_one_call_and_the_first_waits_for_the_deadline(loop):
    together = served(loop, [0.0, 0.001, 0.002])
    assert together.batches == (3,)
    assert together.latencies == pytest.approx([4 * MS + A + 3 * C - moment * MS for moment in range(3)])
    assert together.model_seconds == pytest.approx(A + 3 * C)


def test_calls_are_as_many_as_the_deadline_lets_be(loop):
    # a batch is the request that opens it and those of the following 4 ms and of the call: 1 + rate * window
    arrivals = poisson_arrivals(0, 1000.0, 5000)
    batched = served(loop, arrivals)
    size = len(arrivals) / len(batched.batches)
    assert sum(batched.batches) == 5000
    assert size == pytest.approx(1 + 4, rel=0.03)
    assert batched.timeouts == 0


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_seconds_in_the_model_follow_its_line_on_a_machine_of_any_speed(loop, speed):
    batched = served(loop, poisson_arrivals(1, 1000.0, 500), speed=speed)
    assert batched.model_seconds == pytest.approx(speed * (A * len(batched.batches) + C * 500))


def test_a_request_taken_up_late_has_waited_since_it_was_due(loop):
    # the first call keeps the loop busy until 10 ms; the second was due at 1 ms
    late = served(loop, [0.0, 1 * MS], largest=1, speed=10 * MS / (A + C))
    assert late.latencies == pytest.approx([10 * MS, 19 * MS])


def test_a_request_that_is_not_answered_in_time_is_given_up_and_counted(loop):
    given_up = served(loop, [0.0, 1 * MS, 50 * MS], deadline=5 * MS, patience=2 * MS)
    assert (given_up.timeouts, given_up.latencies, given_up.batches) == (3, (), ())
    one = served(loop, [0.0, 4 * MS], deadline=5 * MS, patience=4.5 * MS)
    assert (one.timeouts, one.batches, len(one.latencies)) == (1, (1,), 1)


@pytest.mark.parametrize("largest", [1, 3])
def test_an_answer_that_a_busy_loop_gives_too_late_is_no_answer_in_time(loop, largest):
    late = served(loop, [0.0, 1 * MS, 2 * MS], largest=largest, patience=50 * MS, speed=200 * MS / (A + C))
    assert (late.timeouts, late.latencies) == (3, ())


def test_arrivals_depend_on_their_seed_alone_and_have_their_rate():
    arrivals = poisson_arrivals(3, 200.0, 20_000)
    assert arrivals == poisson_arrivals(3, 200.0, 20_000)
    assert arrivals[:100] == poisson_arrivals(3, 200.0, 100)
    assert arrivals != poisson_arrivals(4, 200.0, 20_000)
    gaps = [b - a for a, b in pairwise(arrivals)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1 / 200, rel=0.03)
    assert sum(gap**2 for gap in gaps) / len(gaps) / mean**2 == pytest.approx(
        2, rel=0.05
    )  # exponential: E x² = 2 (E x)²

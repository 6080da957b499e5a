"""The queue under a virtual clock: who is answered when, together with whom, and what becomes of those who are not."""

from __future__ import annotations

import asyncio

import pytest

from repro.errors import UsageError
from repro.studies.article.micro_batching import BatchFailed, MicroBatcher

MS = 1e-3


class Model:
    """Doubles its requests, and notes every batch with the moment of its call."""

    def __init__(self, loop, seconds=0.0):
        self.loop, self.seconds, self.calls = loop, seconds, []

    def __call__(self, requests):
        self.calls.append((round(self.loop.time() / MS, 6), list(requests)))
        self.loop.work(self.seconds)
        return [2 * request for request in requests]


async def ask_at(queue, moment, request):
    await asyncio.sleep(moment)
    return await queue.ask(request)


def run(loop, model, moments, largest=4, deadline=5 * MS):
    """Requests 0, 1, ... asked at the moments, in milliseconds."""

    async def everything():
        async with MicroBatcher(model, largest=largest, deadline=deadline) as queue:
            asked = (ask_at(queue, moment * MS, request) for request, moment in enumerate(moments))
            return await asyncio.gather(*asked, return_exceptions=True)

    return loop.run_until_complete(everything())


def test_a_full_batch_is_answered_at_once_and_a_lone_request_at_its_deadline(loop):
    model = Model(loop)
    assert run(loop, model, [0, 1, 2, 3, 10]) == [0, 2, 4, 6, 8]
    assert model.calls == [(3, [0, 1, 2, 3]), (15, [4])]


def test_the_deadline_is_that_of_the_oldest_request(loop):
    model = Model(loop)
    run(loop, model, [0, 4, 4.9, 5.1])
    assert model.calls == [(5, [0, 1, 2]), (10.1, [3])]


def test_a_flush_of_a_full_batch_leaves_no_old_deadline_to_the_next(loop):
    model = Model(loop)
    run(loop, model, [0, 1, 2, 3, 4])
    assert model.calls == [(3, [0, 1, 2, 3]), (9, [4])]


def test_a_queue_of_one_calls_for_every_request(loop):
    model = Model(loop)
    run(loop, model, [0, 0, 1], largest=1)
    assert [batch for _, batch in model.calls] == [[0], [1], [2]]


def test_what_arrives_while_the_model_computes_is_taken_up_after_it(loop):
    model = Model(loop, seconds=20 * MS)
    assert run(loop, model, [0, 6, 7], largest=2) == [0, 2, 4]
    assert model.calls == [(5, [0]), (25, [1, 2])]


def test_a_cancelled_request_leaves_the_queue_and_the_others_are_answered(loop):
    model = Model(loop)

    async def everything():
        async with MicroBatcher(model, largest=4, deadline=5 * MS) as queue:
            first, second, third = (asyncio.create_task(queue.ask(request)) for request in (1, 2, 3))
            await asyncio.sleep(MS)
            second.cancel()
            return await asyncio.gather(first, second, third, return_exceptions=True)

    answers = loop.run_until_complete(everything())
    assert (answers[0], answers[2]) == (2, 6)
    assert isinstance(answers[1], asyncio.CancelledError)
    assert model.calls == [(5, [1, 3])]


def test_a_request_cancelled_in_the_moment_of_the_flush_is_not_computed(loop):
    model = Model(loop)

    async def everything():
        async with MicroBatcher(model, largest=2, deadline=5 * MS) as queue:
            first = asyncio.create_task(queue.ask(1))
            await asyncio.sleep(MS)
            first.cancel()
            return await queue.ask(2)

    assert loop.run_until_complete(everything()) == 4
    assert [batch for _, batch in model.calls] == [[2]]


def test_a_queue_that_all_have_left_calls_nothing_and_begins_anew(loop):
    model = Model(loop)

    async def everything():
        async with MicroBatcher(model, largest=4, deadline=5 * MS) as queue:
            lost = asyncio.create_task(queue.ask(1))
            await asyncio.sleep(3 * MS)
            lost.cancel()
            await asyncio.sleep(MS)
            return await queue.ask(2)

    assert loop.run_until_complete(everything()) == 4
    assert model.calls == [(9, [2])]


def test_an_error_of_the_model_reaches_every_request_of_its_batch_and_no_other(loop):
    model = Model(loop)

    def fragile(requests):
        if 1 in requests:
            raise StopIteration("out of data")
        return model(requests)

    first, second, third = run(loop, fragile, [0, 0, 20], largest=2)
    for failure in (first, second):
        assert isinstance(failure, BatchFailed)
        assert "batch of 2: StopIteration: out of data" in str(failure)
        assert isinstance(failure.__cause__, StopIteration)
    assert first is not second
    assert third == 4


def test_what_is_no_error_of_the_model_leaves_no_request_waiting_and_goes_on_up(loop):
    class Interrupted(BaseException):
        pass

    def interrupted(_):
        raise Interrupted

    seen = []
    loop.set_exception_handler(lambda _, context: seen.append(context["exception"]))
    answers = run(loop, interrupted, [0, 0], largest=3)
    assert all(isinstance(answer, BatchFailed) for answer in answers)
    assert [type(error) for error in seen] == [Interrupted]


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_or_too_many_answers_are_given_to_no_one(loop, count):
    answers = run(loop, lambda _: [0] * count, [0, 0], largest=2)
    assert all(isinstance(answer, BatchFailed) for answer in answers)
    assert f"{count} answers must be as many as the requests, 2" in str(answers[0])


@pytest.mark.parametrize("fails", [False, True])
def test_a_request_that_the_model_cancels_keeps_no_answer_from_the_others(loop, fails):
    asked = []

    def cancelling(requests):
        asked[0].cancel()
        if fails:
            raise ValueError("no answer")
        return requests

    async def everything():
        async with MicroBatcher(cancelling, largest=2, deadline=5 * MS) as queue:
            asked.extend(asyncio.create_task(queue.ask(request)) for request in (1, 2))
            return await asyncio.gather(*asked, return_exceptions=True)

    first, second = loop.run_until_complete(everything())
    assert isinstance(first, asyncio.CancelledError)
    assert isinstance(second, BatchFailed) if fails else second == 2


def test_closing_answers_those_that_wait_and_refuses_the_next(loop):
    model = Model(loop)

    async def everything():
        async with MicroBatcher(model, largest=4, deadline=5 * MS) as queue:
            waiting = [asyncio.create_task(queue.ask(request)) for request in (1, 2)]
            await asyncio.sleep(MS)
        with pytest.raises(RuntimeError, match="request=3 comes after the queue was closed"):
            await queue.ask(3)
        return await asyncio.gather(*waiting)

    assert loop.run_until_complete(everything()) == [2, 4]
    assert model.calls == [(1, [1, 2])]


@pytest.mark.parametrize(("largest", "deadline"), [(0, 1.0), (2.5, 1.0), (1, -1.0), (1, float("nan"))])
def test_a_queue_that_would_never_flush_is_refused(largest, deadline):
    with pytest.raises(
        UsageError, match=f"largest={largest} must be a whole number, 1 or more, and deadline={deadline}"
    ):
        MicroBatcher(list, largest=largest, deadline=deadline)

"""A queue that turns many small requests into few calls of a model: flushed when full or when the oldest is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from repro.errors import UsageError

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class BatchFailed(Exception):
    """The model raised an error, or gave fewer or more answers than it was asked for; the cause says which."""


class MicroBatcher(Generic[Request, Answer]):
    """Requests of one event loop, answered together; leaving `async with` answers those that still wait.

    The model is called in the loop itself: requests that arrive meanwhile are taken up after it. A request that is
    cancelled, even by the model, leaves the queue; an error of the model is raised in every request of its batch, and
    of no other.

    Args:
        compute: answers to a list of requests, in their order.
        largest: requests that make a batch full.
        deadline: seconds that the oldest request waits at most, where the loop is not busy.

    Raises:
        UsageError: `largest` is no whole number of at least 1, or `deadline` is below 0.
    """

    def __init__(self, compute: Callable[[list[Request]], Sequence[Answer]], *, largest: int, deadline: float) -> None:
        if type(largest) is not int or largest < 1 or not deadline >= 0:
            raise UsageError(
                f"largest={largest} must be a whole number, 1 or more, and deadline={deadline} seconds 0 or more."
            )
        self.compute, self.largest, self.deadline = compute, largest, deadline
        self._waiting: dict[asyncio.Future[Answer], Request] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> MicroBatcher[Request, Answer]:
        """The queue itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answer those that wait; later requests are refused."""
        self._closed = True
        self._flush()

    async def ask(self, request: Request) -> Answer:
        """The model's answer to one request, once its batch is full or due.

        Raises:
            RuntimeError: the queue is closed.
            BatchFailed: the model gave no answers to the batch.
        """
        if self._closed:
            raise RuntimeError(f"request={request!r} comes after the queue was closed; ask inside `async with`.")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting[answer] = request
        if len(self._waiting) == self.largest:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self.deadline, self._flush)
        try:
            return await answer
        finally:
            self._leave(answer)

    def _leave(self, answer: asyncio.Future[Answer]) -> None:
        self._waiting.pop(answer, None)
        if not self._waiting:
            self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._stop_timer()
        waiting, self._waiting = self._waiting, {}
        batch = {answer: waiting[answer] for answer in _unanswered(waiting)}
        if not batch:
            return
        try:
            values = self.compute(list(batch.values()))
            if len(values) != len(batch):
                raise ValueError(f"{len(values)} answers must be as many as the requests, {len(batch)}.")
        except asyncio.CancelledError:
            for answer in batch:
                answer.cancel()
            raise
        except BaseException as error:
            for answer in _unanswered(batch):
                failure = BatchFailed(f"the model failed on a batch of {len(batch)}: {type(error).__name__}: {error}")
                failure.__cause__ = error
                answer.set_exception(failure)
            if not isinstance(error, Exception):
                raise
        else:
            given = dict(zip(batch, values, strict=True))
            for answer in _unanswered(batch):
                answer.set_result(given[answer])


def _unanswered(batch: Iterable[asyncio.Future[Answer]]) -> Iterator[asyncio.Future[Answer]]:
    return (answer for answer in batch if not answer.done())

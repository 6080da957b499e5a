"""Processes of one thread each that carry out tasks and yield each answer as it comes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_any
from typing import Any

from repro.errors import ReproError
from repro.machine import WORKER_ENVIRONMENT, prepare


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Up to `workers` processes, each with `WORKER_ENVIRONMENT`; they end with this process, however it ends.

    Raises:
        ReproError: a process died; what was finished is in the store.
        ValueError: `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"workers={workers} must be at least 1.")
    others = multiprocessing.active_children()
    with _environment(WORKER_ENVIRONMENT):
        executor = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker
        )
        try:
            yield executor
            executor.shutdown()
        except BrokenProcessPool as error:
            raise ReproError(
                "a worker process died, killed or out of memory. What was finished is kept: run the same command "
                "again, with fewer workers if memory is short."
            ) from error
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()).difference(others):
                process.terminate()


def as_completed(waiting: dict[Future[Any], Any]) -> Iterator[tuple[Any, Future[Any]]]:
    """Each task's name and future as it ends; `waiting` may be given new tasks meanwhile."""
    while waiting:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield waiting.pop(future), future


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    prepare()


def _end_with(sentinel: int) -> None:
    wait_for_any([sentinel])
    os._exit(1)


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

"""Execute these specs, yield results as they finish: the one interface that local processes and a cluster share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from repro.runs.pool import as_completed, pool
from repro.runs.store import Busy, RunStore
from repro.runs.worker import RunRequest, carry_out, is_over
from repro.train.spec import RunSpec


@dataclass(frozen=True)
class RunResult:
    """A run that is over: its status says `complete`, `diverged` or `failed`, and what it cost."""

    spec: RunSpec
    status: dict[str, Any]


class LocalEngine:
    """Runs as processes of one thread each on this machine.

    Args:
        store: where runs are kept; what it already holds is not run again.
        workers: processes at once.
    """

    def __init__(self, store: RunStore, workers: int = 2) -> None:
        self.store, self.workers = store, workers

    def execute(self, requests: Sequence[RunRequest]) -> Iterator[RunResult]:
        """Yield each requested run once it is over; one that starts from another's weights waits for it.

        Raises:
            ReproError: a process died, the store cannot be written, or the data cannot be had; finished runs are kept.
        """
        wanted = merge(requests)
        for key in [key for key, request in wanted.items() if is_over(self.store.folder(key), request)]:
            yield RunResult(wanted.pop(key).spec, self.store.folder(key).status)
        if not wanted:
            return
        with pool(self.workers) as executor:
            running: dict[Future[Any], RunRequest] = {}

            def submit(request: RunRequest, wait: bool = False) -> None:
                running[executor.submit(carry_out, self.store, request, wait)] = request

            for request in _ready(wanted):
                submit(wanted.pop(request.spec.key))
            for request, future in as_completed(running):
                if isinstance(future.exception(), Busy):
                    submit(request, wait=True)
                    continue
                status = future.result()
                for child in _ready(wanted, {r.spec.key for r in running.values()}):
                    submit(wanted.pop(child.spec.key))
                yield RunResult(request.spec, status)


def merge(requests: Sequence[RunRequest]) -> dict[str, RunRequest]:
    """One request a run, with all the snapshots and probes that were asked for."""
    merged: dict[str, RunRequest] = {}
    for request in requests:
        known = merged.get(request.spec.key, request)
        merged[request.spec.key] = RunRequest(
            request.spec, known.snapshots | request.snapshots, known.probes | request.probes
        )
    return merged


def _ready(waiting: dict[str, RunRequest], running: set[str] = frozenset()) -> list[RunRequest]:  # type: ignore[assignment]
    """The requests whose start is neither waiting nor running."""
    unfinished = waiting.keys() | running
    return [r for r in waiting.values() if r.spec.start is None or r.spec.start.run not in unfinished]

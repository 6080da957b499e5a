"""Measurements on stored runs: asked for as values, kept beside the run, and found there the next time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar, Protocol

from repro.atomic import write_json
from repro.errors import DatasetError, StorageError, told
from repro.provenance import provenance
from repro.runs.clock import Clock
from repro.runs.pool import as_completed, pool
from repro.runs.store import RunStore, read_json
from repro.runs.worker import RunRequest
from repro.train.canonical import as_json

Answer = dict[str, Any]


class MeasurementRequest(Protocol):
    """A frozen dataclass that says what to measure on which runs."""

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        """The runs it needs, with the snapshots it needs of them; the answer is kept with the first."""
        ...

    METHOD: ClassVar[int]
    """Raised whenever the same request would give other numbers: older answers are then measured again."""

    @property
    def gradients(self) -> float:
        """What it costs, in gradients of the loss it measures."""
        ...

    @property
    def measured(self) -> int:
        """Examples that one of those gradients passes over; 0 is the whole training set."""
        ...

    def measure(self, store: RunStore) -> dict[str, Any]:
        """Measure, and return an answer that is plain JSON."""
        ...


def answer(store: RunStore, request: MeasurementRequest) -> Answer | None:
    """What the store holds: `status` (`ok` or `failed`), `reason`, `content` and what it took; else `None`.

    An answer counts only for the very runs that were measured: if one was trained again since, and ended otherwise,
    there is none.

    Raises:
        StorageError: it is damaged.
    """
    form = read_json(_place(store, request), {"status": str, "reason": str, "content": dict})
    return form if form and form.get("outcomes") == _outcomes(store, request) else None


def carry_out(store: RunStore, request: MeasurementRequest) -> Answer:
    """Measure and keep the answer; an error is an answer too.

    Raises:
        StorageError, DatasetError: the store cannot be written, or the data cannot be had.
    """
    clock = Clock({})
    form: Answer = {"request": as_json(request), "outcomes": _outcomes(store, request)}
    form |= {"status": "ok", "reason": "", "content": {}}
    try:
        form["content"] = request.measure(store)
    except (StorageError, DatasetError):
        raise
    except Exception as error:
        form.update(status="failed", reason=told(error))
    form.update(clock.totals(), **provenance())
    write_json(_place(store, request), form)
    return form


def measure_all(
    store: RunStore, requests: Sequence[MeasurementRequest], workers: int
) -> Iterator[tuple[MeasurementRequest, Answer]]:
    """Yield every request with its answer as it is there; what the store holds comes first, failures are tried again.

    Raises:
        ReproError: a process died, the store cannot be written, or the data cannot be had; finished measurements are
            kept.
    """
    waiting = []
    for request in dict.fromkeys(requests):
        known = answer(store, request)
        if known and known["status"] == "ok":
            yield request, known
        else:
            waiting.append(request)
    if not waiting:
        return
    with pool(workers) as executor:
        running: dict[Future[Any], Any] = {executor.submit(carry_out, store, r): r for r in waiting}
        for request, future in as_completed(running):
            yield request, future.result()


def _outcomes(store: RunStore, request: MeasurementRequest) -> list[str]:
    return [store.folder(run.spec.key).outcome for run in request.runs]


def _place(store: RunStore, request: MeasurementRequest) -> Path:
    form = as_json(request) | {"method": request.METHOD}
    key = hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:20]
    return store.folder(request.runs[0].spec.key).path / "measurements" / f"{key}.json"

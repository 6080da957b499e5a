"""Carry out one run: begin it, or take it up where it stopped, until it is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from repro.data import Dataset, load
from repro.data.catalogue import entry_of
from repro.errors import DataError, StorageError, told
from repro.machine import device, prepare
from repro.provenance import provenance
from repro.runs.clock import Clock
from repro.runs.noise import NoiseProbe
from repro.runs.store import ENDED, RunFolder, RunStore
from repro.train.loop import Diverged, Training
from repro.train.spec import RunSpec

CHECKPOINT_SECONDS = 20.0


@dataclass(frozen=True)
class RunRequest:
    """A run that is wanted, and what is to be observed of it; observing changes neither the run nor its key.

    Attributes:
        spec: the run.
        snapshots: updates after which its weights are to be kept.
        probes: what is to be measured on its way.
    """

    spec: RunSpec
    snapshots: frozenset[int] = frozenset()
    probes: frozenset[NoiseProbe] = frozenset()

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        """Itself: as a need of a study it asks for one run."""
        return (self,)


def carry_out(store: RunStore, request: RunRequest, wait: bool = False) -> dict[str, Any]:
    """Train `request.spec` to its end, unless the store already holds it; return its status.

    Killed at any instant and called again, it leaves on a processor the same files as a run never interrupted
    (seconds in `status.json` apart). An error ends in the status `failed` with its reason, and the next call
    tries again.

    Raises:
        Busy: another process is at this run, and `wait` is false.
        StorageError, DataError: the store cannot be written, or the data cannot be had; that says nothing of the run.
    """
    folder = store.folder(request.spec.key)
    with folder.locked(wait):
        folder.sweep()
        if not is_over(folder, request):
            folder.declare(request.spec)
            clock = Clock(folder.status)
            try:
                _train(store, folder, request, clock)
            except (StorageError, DataError):
                raise
            except Exception as error:
                _write_status(folder, "failed", clock, reason=told(error))
        return folder.status


def is_over(folder: RunFolder, request: RunRequest) -> bool:
    """Whether the run has ended, with every snapshot kept that lies within its length, and every probe's rows."""
    status = folder.status
    if status["status"] not in ENDED:
        return False
    kept = status["updates"] + (status["status"] == "complete")  # the update at which a run diverges is not kept
    return is_probed(folder, request) and _has_snapshots(folder, request, kept)


def is_probed(folder: RunFolder, request: RunRequest) -> bool:
    """Whether every probe has looked at all of the run that is recorded."""
    if not request.probes:
        return True
    recorded, examples = folder.rows(), entry_of(request.spec.dataset).train
    return not any(probe.missing(recorded, request.spec.regime, examples) for probe in request.probes)


def _has_snapshots(folder: RunFolder, request: RunRequest, before: int) -> bool:
    return all(folder.has_weights(update) for update in request.snapshots if update < before)


def _train(store: RunStore, folder: RunFolder, request: RunRequest, clock: Clock) -> None:
    prepare()
    spec = request.spec
    parent = None if spec.start is None else store.folder(spec.start.run).weights(spec.start.update)
    training = Training(spec, _data_of(spec), parent, device())
    _take_up(training, folder, request)
    _write_status(folder, "running", clock, updates=training.update)  # before the files of a run that was over change
    if not training.update:
        folder.remove_state()
        folder.save_weights(0, training.model.state_dict())
    folder.forget_after(training.update)
    wanted = request.snapshots | folder.snapshots  # those of an earlier training are made again
    due = {probe: probe.updates(spec.regime, training.examples) for probe in sorted(request.probes)}
    saved = time.monotonic()
    try:
        while not training.finished:
            rows = training.advance()
            folder.append(rows + [probe.row(training) for probe in due if training.update in due[probe]])
            if training.update in wanted:
                folder.save_weights(training.update, training.model.state_dict())
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                folder.save_state(training.state())
                _write_status(folder, "running", clock, updates=training.update)
                saved = time.monotonic()
    except Diverged as diverged:
        folder.forget_weights_from(diverged.update)
        return _write_status(folder, "diverged", clock, updates=diverged.update, reason=str(diverged))
    folder.forget_weights_from(training.update + 1)
    folder.save_weights(None, training.model.state_dict())
    return _write_status(folder, "complete", clock, updates=training.update)


def _data_of(spec: RunSpec) -> Dataset:
    data, wanted = load(spec.dataset), entry_of(spec.dataset).train
    if len(data.train) != wanted:
        raise DataError(
            f"{spec.dataset} has {len(data.train)} training examples; the catalogue says {wanted}, and studies count "
            "updates by it. Correct repro/data/catalogue.py, or prepare the files again."
        )
    return data


def _take_up(training: Training, folder: RunFolder, request: RunRequest) -> None:
    """Continue from the run's checkpoint, if there is one and nothing that is to be observed is missing before it.

    Raises:
        StorageError: the checkpoint does not fit; it is removed.
    """
    state = folder.load_state()
    if state and is_probed(folder, request) and _has_snapshots(folder, request, state["update"] + 1):
        try:
            training.load_state(state)
        except Exception as error:
            folder.remove_state()
            raise StorageError(
                f"the checkpoint in {folder.path} does not fit ({error!r}) and is removed; run the same command again."
            ) from error


def _write_status(folder: RunFolder, status: str, clock: Clock, **details: Any) -> None:
    folder.write_status({"status": status, **details, **clock.totals(), **provenance()})

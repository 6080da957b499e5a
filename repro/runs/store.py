"""The run store: one folder a run, whose files are either whole or absent.

spec.json              what the run is
metrics.jsonl          a line an epoch, a line a logged distance and a line a probe
status.json            running, complete, diverged or failed, with what it cost
state.pt               the last checkpoint, while the run is not over
init.safetensors       the weights it began from
snapshots/<update>.safetensors, final.safetensors
measurements/*.json    what was measured on it
lock                   held by the process that trains it
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from repro.atomic import write_bytes, write_json
from repro.errors import StorageError, UsageError
from repro.train.checkpoint import from_bytes, to_bytes
from repro.train.spec import RunSpec

Row = dict[str, Any]
ENDED = ("complete", "diverged")
"""Statuses after which a run is not taken up again."""


class Busy(Exception):
    """Another process is working on the run."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def status(self) -> dict[str, Any]:
        """The content of `status.json`, or `{"status": "new"}`.

        Raises:
            StorageError: it is damaged.
        """
        path = self.path / "status.json"
        status = read_json(path, {"status": str}, self._again)
        if status is None:
            return {"status": "new"}
        return status if status["status"] == "failed" else _with_fields(status, {"updates": int}, path, self._again)

    @property
    def spec(self) -> RunSpec:
        """The run's spec.

        Raises:
            StorageError: there is none, or it is damaged, or of another run than the folder is named after.
        """
        path = self.path / "spec.json"
        form = read_json(path, way_out=self._again)
        if form is None:
            raise StorageError(f"{self.path} holds no spec.json; {self._again}.")
        try:
            spec = RunSpec.from_json(form)
        except ValueError as error:
            raise StorageError(f"{path} is not a run's spec ({error}); {self._again}.") from error
        if spec.key != self.path.name:
            raise StorageError(
                f"{path} says what the run {spec.key} is, not {self.path.name}; undo the change, or {self._again}."
            )
        return spec

    @property
    def outcome(self) -> str:
        """A digest of its epochs: where rounding is another, the same run ends otherwise.

        Raises:
            StorageError: they are damaged.
        """
        return hashlib.sha256(json.dumps(self.rows("epoch"), sort_keys=True).encode()).hexdigest()[:20]

    def rows(self, kind: str = "") -> list[Row]:
        """The recorded lines of a kind, `epoch`, `distance` or `noise`, or all of them, in order of updates.

        Raises:
            StorageError: they are damaged, or lack the last epoch of a run that is complete.
        """
        rows, status = self._all_rows(), self.status
        ends = {row["update"] for row in rows if row["kind"] == "epoch"}
        if status["status"] == "complete" and status["updates"] not in ends:
            path = self.path / "metrics.jsonl"
            raise StorageError(f"{path} lacks the epoch that ended at update {status['updates']}; {self._again}.")
        return [row for row in rows if kind in ("", row["kind"])]

    def weights(self, update: int | None = None) -> dict[str, Tensor]:
        """Parameters and buffers after `update` updates; `None` is the end, 0 the beginning.

        Raises:
            UsageError: those weights were not kept.
            StorageError: their file is damaged, or gone from a run that is complete.
        """
        path = self._weights_path(update)
        try:
            content = _content(path)
            if content is not None:
                return safetensors.torch.load(content)
        except SafetensorError as error:
            raise StorageError(f"{path} is damaged ({error}); {self._again}.") from error
        if update is None and self.status["status"] == "complete":
            raise StorageError(f"{path} is gone from a run that is complete; {self._again}.")
        raise UsageError(
            f"update={update}: the run {self.path.name} kept no such weights ({path}), but those of its beginning, "
            f"0, of the updates {sorted(self.snapshots)}, and of its end, if it has come there."
        )

    @property
    def snapshots(self) -> frozenset[int]:
        """After which updates weights were kept on the way."""
        return frozenset(int(path.stem) for path in self.path.glob("snapshots/*.safetensors"))

    def has_weights(self, update: int | None) -> bool:
        """Whether the weights after `update` updates were kept."""
        return self._weights_path(update).exists()

    def save_weights(self, update: int | None, state: dict[str, Tensor]) -> None:
        """Keep parameters and buffers as those after `update` updates; StorageError where they cannot be written."""
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        write_bytes(self._weights_path(update), safetensors.torch.save(plain))

    def save_state(self, state: dict[str, Any]) -> None:
        """Keep a checkpoint; the one before stays until this one is whole. StorageError as above."""
        write_bytes(self.path / "state.pt", to_bytes(state))

    def load_state(self) -> dict[str, Any] | None:
        """The last checkpoint, or `None` where there is none that is whole."""
        path = self.path / "state.pt"
        content = _content(path)
        if content is None:
            return None
        with suppress(StorageError):
            state = from_bytes(content, str(path))
            if "update" in state:
                return state
        self.remove_state()
        return None

    def remove_state(self) -> None:
        """Keep no checkpoint."""
        (self.path / "state.pt").unlink(missing_ok=True)

    def forget_weights_from(self, update: int) -> None:
        """Keep no snapshots of that update or a later one, and no final weights: they are of an earlier training."""
        for later in (each for each in (*self.snapshots, None) if each is None or each >= update):
            self._weights_path(later).unlink(missing_ok=True)

    def append(self, rows: list[Row]) -> None:
        """Add lines to `metrics.jsonl`.

        Raises:
            StorageError: the disk is full or read-only.
        """
        path = self.path / "metrics.jsonl"
        if not rows:
            return
        try:
            with path.open("ab") as file:
                file.writelines(json.dumps(row).encode() + b"\n" for row in rows)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = "the disk is full; free some space" if error.errno == errno.ENOSPC else error.strerror
            raise StorageError(f"cannot write {path}: {reason}, and run the same command again.") from error

    def forget_after(self, update: int) -> None:
        """Drop what was recorded after `update` updates: a resumed run records it again."""
        kept = [row for row in self._all_rows() if row["update"] <= update]
        write_bytes(self.path / "metrics.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in kept))

    def write_status(self, status: dict[str, Any]) -> None:
        """Say how far the run is; a run that is over needs its checkpoint no more. StorageError as above."""
        write_json(self.path / "status.json", status)
        if status["status"] in ENDED:
            self.remove_state()

    def sweep(self) -> None:
        """Remove what a killed process left half-written; only for the process that holds the run."""
        for folder in (self.path, self.path / "snapshots"):
            for leftover in folder.glob(".*"):
                leftover.unlink(missing_ok=True)
        if self.status["status"] in ENDED:
            self.remove_state()

    def declare(self, spec: RunSpec) -> None:
        """Write `spec.json` where it is not there yet."""
        if read_json(self.path / "spec.json") is None:
            write_json(self.path / "spec.json", spec.as_json())

    @contextmanager
    def locked(self, wait: bool = False) -> Iterator[None]:
        """Hold the run for this process; the lock goes with the process, however it ends.

        Raises:
            Busy: another process holds it, and `wait` is false.
            StorageError: the folder cannot be made.
        """
        path = self.path / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}; name another folder with --store.") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise Busy from error
            yield

    @property
    def _again(self) -> str:
        return f"delete {self.path} to train the run again"

    def _weights_path(self, update: int | None) -> Path:
        if update is None:
            return self.path / "final.safetensors"
        if update == 0:
            return self.path / "init.safetensors"
        return self.path / "snapshots" / f"{update}.safetensors"

    def _all_rows(self) -> list[Row]:
        path = self.path / "metrics.jsonl"
        # A line that a killed process left unfinished has no newline yet, and is not a line.
        whole = (_content(path) or b"").split(b"\n")[:-1]
        try:
            rows = [json.loads(line) for line in whole]
        except ValueError as error:
            raise StorageError(f"{path} is damaged ({error}); {self._again}.") from error
        return [_with_fields(row, {"kind": str}, path, self._again) for row in rows]


@dataclass(frozen=True)
class RunStore:
    """A folder of runs, each under its key; it need not exist yet.

    Raises:
        UsageError: there is a file in its place, or in that of a folder above.
    """

    root: Path

    def __post_init__(self) -> None:
        nearest = next((path for path in (self.root, *self.root.parents) if path.exists()), self.root)
        if nearest.exists() and not nearest.is_dir():
            raise UsageError(
                f"store={str(self.root)!r} must be a folder, and {nearest} is a file; name another by --store."
            )

    def folder(self, key: str) -> RunFolder:
        """The folder of the run with this key, which need not exist yet."""
        return RunFolder(self.root / key)

    def open(self, key: str) -> RunFolder:
        """The folder of an existing run; the beginning of a key is enough where only one run has it.

        Raises:
            UsageError: no run, or more than one, has a key that begins so.
        """
        found = [name for name in self.keys() if name.startswith(key)]
        if len(found) != 1:
            raise UsageError(
                f"run {key!r}: {len(found)} runs in {self.root} have such a key; "
                f"`repro runs list --store {self.root}` names them."
            )
        return self.folder(found[0])

    def keys(self) -> list[str]:
        """The keys of all runs, sorted; those that lack a file are among them."""
        return sorted({path.parent.name for name in ("spec", "status") for path in self.root.glob(f"*/{name}.json")})


def read_json(
    path: Path, fields: Mapping[str, type] = {}, way_out: str = "delete it and run the same command again"
) -> dict[str, Any] | None:
    """The content of a JSON file, or `None` where there is no file.

    Args:
        path: of the file.
        fields: what its object must have, with the type of each.
        way_out: what the reader of an error can do.

    Raises:
        StorageError: the file cannot be read, or is not a JSON object with these fields.
    """
    content = _content(path)
    if content is None:
        return None
    try:
        form = json.loads(content)
    except ValueError as error:
        raise StorageError(f"{path} is damaged ({error}); {way_out}.") from error
    return _with_fields(form, fields, path, way_out)


def _content(path: Path) -> bytes | None:
    """The bytes of a file, or `None` where there is none; StorageError where they cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}; it must be a file that you may read.") from error


def _with_fields(form: Any, fields: Mapping[str, type], path: Path, way_out: str) -> dict[str, Any]:
    """`form`, once it is an object that has these fields."""
    if not isinstance(form, dict):
        raise StorageError(f"{path} is damaged ({form!r:.40} must be an object); {way_out}.")
    for name, kind in fields.items():
        if type(form.get(name)) is not kind:
            raise StorageError(
                f"{path} is damaged ({name}={form.get(name)!r:.40} must be of type {kind.__name__}); {way_out}."
            )
    return form

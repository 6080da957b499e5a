"""What the disk refuses, said clearly; and one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repro.errors import ReproError, StorageError

ROOM = "Free some space, or point REPRO_DATA at a folder you may write to. Nothing half-written is kept."


@contextmanager
def writing(path: Path, way_out: str = ROOM) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into an error that says so, and what to do.

    Raises:
        StorageError: no space, no permission, or any other `OSError` within the block.
    """
    with _refusals_of(f"cannot write {path}", way_out):
        yield


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to read `path` into an error that says so.

    Raises:
        StorageError: no permission, a broken disk, or any other `OSError` within the block.
    """
    with _refusals_of(f"cannot read {path}", "Allow yourself to read it, or point REPRO_DATA elsewhere."):
        yield


@contextmanager
def _refusals_of(action: str, way_out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, ReproError):
            raise
        raise StorageError(f"{action}: {error.strerror or error}. {way_out}") from error


@contextmanager
def locked(path: Path, way_out: str = ROOM) -> Iterator[None]:
    """Hold the lock file `path`; a second process waits here until the first is done, or dead.

    Raises:
        StorageError: the lock file cannot be made; it says `way_out`.
    """
    with writing(path, way_out):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with writing(path, way_out):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def writable(folder: Path) -> bool:
    """Whether files may be made in `folder`, or it may be made; the mode binds the superuser too."""
    with reading(folder):
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return bool(existing.stat().st_mode & 0o222) and os.access(existing, os.W_OK)

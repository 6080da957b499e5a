"""Where the files of a data set lie, and how they get there: whole, verified, one process at a time.

The data directory is the folder asked for, else `REPRO_DATA`, else the user's cache (`$XDG_CACHE_HOME/repro`
or `~/.cache/repro`). When `REPRO_DATA` does not hold a data set and may not be written, the user's cache
serves.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from repro.atomic import leftovers, write_bytes
from repro.data.content import File
from repro.data.disk import locked, writable, writing
from repro.data.entry import Entry, Stored
from repro.errors import DataError, StorageError, UsageError


def folders(root: Path | None = None) -> tuple[Path, ...]:
    """Data directories in the order they are searched.

    Args:
        root: when given, the only one.

    Raises:
        UsageError: `REPRO_DATA` names a file.
    """
    if root is not None:
        return (root,)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "repro"
    named = os.environ.get("REPRO_DATA")
    if named and Path(named).is_file():
        raise UsageError(f"REPRO_DATA={named!r} must be a folder, and is a file; name one you may write to.")
    return (Path(named), home) if named else (home,)


def searched(entry: Entry, root: Path | None = None) -> tuple[Path, ...]:
    """The folders in which `entry` is looked for: the package's own, or the data directories."""
    return (entry.folder,) if entry.folder else folders(root)


def found(entry: Entry, root: Path | None = None) -> list[Stored]:
    """The entry's files, not yet verified, in every data directory that holds them all."""
    located = [_located(entry, folder) for folder in searched(entry, root)]
    return [Stored(paths) for paths in located if len(paths) == len(entry.files)]


def _located(entry: Entry, folder: Path) -> dict[File, Path]:
    """The entry's files that there are in a folder, plain or packed."""
    return {file: path for file in entry.files if (path := file.locate(folder))}


def found_or_fetched(entry: Entry, root: Path | None = None) -> list[Stored]:
    """As `found`, and fetched first if they are nowhere; errors as in `fetch`."""
    return found(entry, root) or [fetch(entry, root)]


def lacking(entry: Entry, root: Path | None = None) -> tuple[Path, ...]:
    """Where the entry's files should lie and do not, in the data directory that lacks the fewest."""
    each = [[folder / f.path for f in entry.files if not f.locate(folder)] for folder in searched(entry, root)]
    fewest = min(each, key=len)
    return tuple(fewest)


def fetch(entry: Entry, root: Path | None = None) -> Stored:
    """Get the entry's files from the first source that delivers them with the right content.

    A second process waits for the first, then finds the files there. Killed at any moment, nothing
    half-written stands under a data file's name, and the next call starts afresh or resumes.

    Raises:
        DataError: no source delivers; each is named with its reason.
        StorageError: the data directory cannot be written.
    """
    if not entry.sources:
        where = listed(searched(entry, root))
        raise DataError(f"{entry.name} cannot be downloaded: {entry.prepare} Looked in {where}.")
    folder = _destination(root)
    with locked(folder / f".{entry.store}.lock"):
        return find_verified(entry, root) or _fetch(entry, folder)


def find_verified(entry: Entry, root: Path | None = None) -> Stored | None:
    """The entry's files in the first data directory that holds them all with the right content, else None."""
    return next((stored for stored in found(entry, root) if _is_right(stored)), None)


def _is_right(stored: Stored) -> bool:
    try:
        for file, path in stored.paths.items():
            file.read(path)
    except DataError as error:
        print(f"repro data: {error}", file=sys.stderr)
        return False
    return True


def _destination(root: Path | None) -> Path:
    folder = next(filter(writable, folders(root)), None)
    if folder is None:
        raise StorageError(
            f"cannot write {listed(folders(root))}: permission denied. Point REPRO_DATA at a folder you may write to."
        )
    return folder


def _fetch(entry: Entry, folder: Path) -> Stored:
    """Ask the sources in turn for the files that are not yet whole."""
    workspace = folder / f".{entry.store}.unfinished"
    _sweep(entry, folder)
    missing = [file for file in entry.files if not _is_whole(file, folder)]
    reasons = []
    for source in entry.sources:
        print(f"repro data: {entry.name}: {source.title} -> {folder}", file=sys.stderr)
        try:
            for file, content in source.fetch(tuple(missing), workspace):
                file.check(content, f"{file.name} from {source.title}")
                write_bytes(folder / file.path, content)
                missing.remove(file)
        except DataError as error:
            reasons.append(f"  {error}")
            continue
        shutil.rmtree(workspace, ignore_errors=True)
        return Stored(_located(entry, folder))
    _remove_if_empty(workspace)
    form = "plain, or with .gz added" if all(file.size for file in missing) else "plain"
    raise DataError(
        "\n".join([f"cannot get {entry.name}; no source delivered it:", *reasons])
        + f"\nRun `repro data get {entry.name}` with a network, or put the files there yourself "
        f"({form}): {listed(tuple(folder / file.path for file in missing))}."
    )


def _is_whole(file: File, folder: Path) -> bool:
    path = file.locate(folder)
    try:
        return path is not None and bool(file.read(path))
    except DataError:
        return False


def _sweep(entry: Entry, folder: Path) -> None:
    """Remove what writers that were killed left beside the files; the lock is held, so none is alive."""
    for file in entry.files:
        for leftover in leftovers(folder / file.path):
            with writing(leftover):
                leftover.unlink()


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def listed(paths: tuple[Path, ...]) -> str:
    """The paths, as an error names them."""
    return ", ".join(map(str, paths))

"""From a data set's name to its tensors."""

from __future__ import annotations

from pathlib import Path

from repro.data import cache
from repro.data.catalogue import entry_of
from repro.data.entry import Entry, Stored
from repro.data.tensors import Dataset
from repro.errors import DataError, DatasetError


def load(name: str, root: Path | None = None) -> Dataset:
    """The data set called `name`, whole in memory; its files are fetched first where they are missing.

    Every file's checksum is verified at every call (under 0.5 s), from the very bytes that are then read.

    Args:
        name: one of `CATALOGUE`.
        root: the data directory, instead of `REPRO_DATA` or the user's cache.

    Raises:
        UsageError: the name is unknown.
        DatasetError: a file is damaged, or no source delivers it.
        StorageError: the data directory cannot be read or written.
    """
    entry = entry_of(name)
    try:
        return _read(entry, cache.found_or_fetched(entry, root))
    except DataError as error:
        raise DatasetError(str(error)) from error


def _read(entry: Entry, places: list[Stored]) -> Dataset:
    """From the first place where the files are whole, of two."""
    first, *others = places
    try:
        return entry.read(entry, first)
    except DataError:
        if not others:
            raise
        return entry.read(entry, others[0])


def get(name: str, root: Path | None = None) -> tuple[Path, ...]:
    """Make sure that the files of `name` are on this machine and right; damaged ones are fetched again.

    Returns:
        the files' paths.

    Raises:
        UsageError: the name is unknown.
        DataError: a file is damaged, or no source delivers it.
        StorageError: the data directory cannot be read or written.
    """
    entry = entry_of(name)
    stored = cache.find_verified(entry, root) or cache.fetch(entry, root)
    if any(file.digest is None for file in entry.files):  # its format is all that can be checked
        entry.read(entry, stored)
    return tuple(stored.paths.values())


def verify(name: str, root: Path | None = None) -> tuple[Path, ...]:
    """Check every file of `name` against its checksum and its format, fetching nothing.

    Returns:
        the files' paths.

    Raises:
        UsageError: the name is unknown.
        DataError: a file is missing, damaged or malformed; says which.
        StorageError: a file cannot be read.
    """
    entry = entry_of(name)
    stored = cache.found(entry, root)
    if not stored:
        where, files = (cache.listed(paths) for paths in (cache.searched(entry, root), cache.lacking(entry, root)))
        way_out = f"run `repro data get {name}`." if entry.sources else entry.prepare
        raise DataError(f"{name} is not whole in {where}: there is no file {files}; {way_out}")
    entry.read(entry, stored[0])
    return tuple(stored[0].paths.values())

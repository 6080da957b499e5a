"""The card of one data set, and its files on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.data.content import File
from repro.data.sources import Source
from repro.data.tensors import Dataset


@dataclass(frozen=True)
class Stored:
    """The files of a data set on this machine.

    Attributes:
        paths: where each file of the entry lies.
    """

    paths: dict[File, Path]

    def read(self, file: File) -> bytes:
        """Verified content; errors as in `File.read`."""
        return file.read(self.paths[file])


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    Attributes:
        name: what `repro.data.load` calls it.
        title: what a reader calls it.
        train: training examples.
        test: test examples.
        shape: of one input.
        classes: how many.
        licence: as stated by its authors, or that none is.
        citation: the work to cite.
        files: what it is made of, by content.
        sources: where to get the files, in the order tried.
        read: the data set, from its files.
        folder: where its files lie when they ship in the package; None for the data directory.
        prepare: what the user must supply where no source may.
    """

    name: str
    title: str
    train: int
    test: int
    shape: tuple[int, ...]
    classes: int
    licence: str
    citation: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    read: Callable[[Entry, Stored], Dataset]
    folder: Path | None = None
    prepare: str = ""

    @property
    def store(self) -> str:
        """The part of the data directory that holds the files; entries that share it share a lock."""
        return Path(self.files[0].path).parts[0]

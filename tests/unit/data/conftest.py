"""Small files and sources made on the spot; real data sets only where they are at hand."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from repro.data import Dataset, cache, idx, load
from repro.data.catalogue import entry_of
from repro.data.content import File, md5
from repro.data.entry import Entry

Tiny = Callable[..., Entry]
TarGz = Callable[[dict[str, bytes]], bytes]


def _contents() -> dict[str, bytes]:
    images = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    labels = np.array([0, 1, 2, 1], np.uint8)
    return {
        "train-images": idx.encode(images),
        "train-labels": idx.encode(labels),
        "test-images": idx.encode(images[:2]),
        "test-labels": idx.encode(labels[:2]),
    }


@dataclass
class Shelf:
    """A source that delivers what it holds, and notes what it was asked for."""

    contents: dict[str, bytes] = field(default_factory=_contents)
    title: str = "the shelf"
    asked: list[str] = field(default_factory=list)

    def fetch(self, files: Sequence[File], _: Path) -> Iterator[tuple[File, bytes]]:
        for file in files:
            self.asked.append(file.name)
            yield file, self.contents[file.name]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def tiny() -> Tiny:
    """Makes the entry of a data set of four idx files: 3 classes, images of 2 x 3 pixels."""

    def make(*sources: Shelf) -> Entry:
        files = tuple(File(f"tiny/{name}", md5(held), len(held)) for name, held in _contents().items())
        return Entry("tiny", "Tiny", 4, 2, (1, 2, 3), 3, "none", "none", files, sources, idx.read)

    return make


@pytest.fixture
def tar_gz() -> TarGz:
    """Makes a gzipped tar archive of regular files."""

    def make(members: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in members.items():
                header = tarfile.TarInfo(name)
                header.size = len(content)
                archive.addfile(header, io.BytesIO(content))
        return buffer.getvalue()

    return make


@pytest.fixture
def at_hand() -> Callable[[str], Dataset]:
    """Loads a real data set, or skips the test where its files are not on this machine."""

    def find(name: str) -> Dataset:
        if not cache.found(entry_of(name)):
            pytest.skip(f"{name} is not at hand; `repro data get {name}` fetches it")
        return load(name)

    return find

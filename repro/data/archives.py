"""Members of tar and zip archives, read in memory: nothing is extracted to a path an archive names."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repro.errors import DataError

GZIP = b"\x1f\x8b"
LIMIT = 1 << 28
"""Bytes of the largest member that is read; no file of the catalogue is larger."""
UNPACKED = 1 << 29
"""Bytes of the largest tar archive that a gzip file may hold; those of CIFAR, the largest, hold 185 MB."""
_DAMAGE = (
    *(OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
    RuntimeError,  # an encrypted member of a zip archive, or one packed in an unknown way
)


@dataclass(frozen=True)
class Members:
    """What an archive holds.

    Attributes:
        title: the archive's name, for errors.
        names: of its regular files.
        content: gives a member's bytes by its name.
    """

    title: str
    names: Sequence[str]
    content: Callable[[str], bytes]

    def read(self, name: str) -> bytes:
        """The bytes of one member.

        Raises:
            DataError: there is no such member, or it is damaged.
        """
        if name not in self.names:
            raise DataError(f"{self.title} has no member {name}; it is not the archive it should be.")
        try:
            return self.content(name)
        except DataError:
            raise
        except _DAMAGE as error:
            raise DataError(f"{self.title}: member {name} is damaged ({error}); fetch the archive again.") from error


def tar(content: bytes, title: str) -> Members:
    """The regular files of a tar archive, gzipped or plain.

    Raises:
        DataError: it is not a whole tar archive, a member is larger than `LIMIT`, or all of it than `UNPACKED`.
    """
    try:
        plain = _gunzipped(content, title) if content.startswith(GZIP) else content
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            places = {
                member.name: slice(member.offset_data, member.offset_data + member.size)
                for member in archive
                if member.isreg()
            }
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{title} is not a whole tar archive ({error}); fetch it again.") from error
    _check_sizes({name: place.stop - place.start for name, place in places.items()}, title)
    return Members(title, list(places), lambda name: plain[places[name]])


def zipped(content: bytes, title: str) -> Members:
    """The members of a zip archive.

    Raises:
        DataError: it is not a whole zip archive, or a member is larger than `LIMIT`.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _DAMAGE as error:
        raise DataError(f"{title} is not a whole zip archive ({error}); fetch it again.") from error
    _check_sizes({member.filename: member.file_size for member in archive.infolist()}, title)
    return Members(title, archive.namelist(), archive.read)


def _gunzipped(content: bytes, title: str) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        plain = stream.read(UNPACKED + 1)
    if len(plain) > UNPACKED:
        raise DataError(f"{title} unpacks to more than the limit of {UNPACKED} bytes; fetch it again.")
    return plain


def _check_sizes(sizes: dict[str, int], title: str) -> None:
    for name, size in sizes.items():
        if size > LIMIT:
            raise DataError(f"{title}: member {name} of {size} bytes exceeds the limit of {LIMIT}; fetch it again.")

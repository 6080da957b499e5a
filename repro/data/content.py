"""What a file must hold, whatever its source: a checksum of the content, checked at every reading."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.data.disk import reading
from repro.errors import DataError


def md5(content: bytes) -> str:
    """The md5 digest of `content`: the sum the data sets' authors publish, against accidents."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def gunzip(content: bytes, size: int, where: str) -> bytes:
    """The `size` bytes that `content` unpacks to.

    Args:
        content: a gzip file.
        size: bytes to expect; no more than one beyond it is ever unpacked.
        where: the file's name, for the error.

    Raises:
        DataError: the stream is damaged, truncated, or of another size.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where} is not a whole gzip file ({error}); fetch it again.") from error
    if len(plain) != size:
        found = f"more than {size}" if len(plain) > size else f"{len(plain)}"
        raise DataError(f"{where} unpacks to {found} bytes; it must be {size}. Fetch it again.")
    return plain


@dataclass(frozen=True)
class File:
    """One file of a data set, known by its content.

    Attributes:
        path: where it lies below the data directory.
        digest: hexadecimal checksum of the content, uncompressed; None where each user prepares their own.
        size: bytes, uncompressed; None where equal content may be stored in different sizes.
        checksum: how `digest` was computed.
    """

    path: str
    digest: str | None
    size: int | None
    checksum: Callable[[bytes], str] = md5

    @property
    def name(self) -> str:
        """The last part of `path`."""
        return Path(self.path).name

    def locate(self, folder: Path) -> Path | None:
        """The file below `folder`, plain or, where its size is known, with `.gz` added; None where neither is there."""
        plain = folder / self.path
        packed = [plain.with_name(f"{plain.name}.gz")] if self.size is not None else []
        with reading(plain):
            return next((path for path in (plain, *packed) if path.is_file()), None)

    def check(self, content: bytes, where: str) -> None:
        """Raise unless `content` is this file's.

        Raises:
            DataError: wrong size or wrong checksum; names `where`, what was found and what must be.
        """
        if self.size is not None and len(content) != self.size:
            raise DataError(f"{where} has {len(content)} bytes; {self.name} has {self.size}.")
        try:
            found = self.checksum(content) if self.digest else None
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        if found != self.digest:
            kind = self.checksum.__name__
            raise DataError(f"{where} has {kind} {found}; the content of {self.name} has {kind} {self.digest}.")

    def read(self, path: Path) -> bytes:
        """The verified, uncompressed content at `path`.

        Raises:
            StorageError: the file cannot be read.
            DataError: the content is not this file's.
        """
        with reading(path):
            content = path.read_bytes()
        if path.suffix == ".gz" and not self.path.endswith(".gz"):
            assert self.size is not None
            content = gunzip(content, self.size, str(path))
        try:
            self.check(content, str(path))
        except DataError as error:
            raise DataError(f"{error} Delete it, and `repro data get` fetches it again.") from error
        return content

"""Files that are either whole or absent: written beside their place, flushed, renamed onto it."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repro.errors import StorageError

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EACCES: "permission denied; choose a folder you may write to",
    errno.EISDIR: "there is a folder in its place; remove it and run the same command again",
    errno.EROFS: "the file system is read-only; choose a folder you may write to",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends without an error, it becomes `path` in one step.

    Raises:
        StorageError: the file cannot be written; what stood at `path` before is untouched.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"cannot write {path}: {advice}. What was there before is intact.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def leftovers(path: Path) -> list[Path]:
    """The temporary files that killed writers of `path` left beside it; nobody may be writing it now."""
    written = re.compile(re.escape(f".{path.name}.") + r"\d+\.[0-9a-f]{8}")
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return [each for each in beside if written.fullmatch(each.name)]


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Put `content` at `path` as indented JSON with a final newline, whole or not at all."""
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())

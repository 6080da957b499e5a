"""Whatever happens while a file is written, what stood there before still does."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repro.atomic import replacing, write_bytes, write_json
from repro.errors import StorageError

KILLED_HALFWAY = """
import os, signal, sys
from pathlib import Path
from repro.atomic import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
DISK_TOO_SMALL = """
import resource, sys
from pathlib import Path
from repro.atomic import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_bytes(Path(sys.argv[1]), bytes(100_000))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.pt"
    path.write_bytes(b"old")
    return path


def run(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)


def files(path: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}


def test_a_finished_block_replaces_the_file_and_leaves_nothing_else(path: Path) -> None:
    write_bytes(path, b"new")
    assert files(path) == {"state.pt": b"new"}


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b" / "c", b"new")
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"new"


def test_a_process_killed_halfway_leaves_the_old_file(path: Path) -> None:
    assert run(KILLED_HALFWAY, path).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert b"half" in files(path).values()  # the kill did come after the first bytes


def test_a_write_that_the_system_cuts_short_leaves_the_old_file(path: Path) -> None:
    done = run(DISK_TOO_SMALL, path)
    assert done.returncode == 1
    assert f"cannot write {path}: " in done.stderr
    assert "StorageError" in done.stderr
    assert files(path) == {"state.pt": b"old"}


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EACCES, "choose a folder you may write to"),
        (errno.EROFS, "choose a folder you may write to"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_an_error_names_the_file_and_the_way_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    def fails(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageError) as caught:
        write_bytes(path, b"new")
    assert str(path) in str(caught.value)
    assert advice in str(caught.value)
    assert files(path) == {"state.pt": b"old"}


def test_a_folder_that_cannot_be_made_is_a_storage_error(path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*state\.pt"):
        write_bytes(path / "inside", b"new")
    assert files(path) == {"state.pt": b"old"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_of_the_block_itself_passes_and_leaves_the_old_file(path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert files(path) == {"state.pt": b"old"}


def test_writers_at_once_leave_one_whole_file(path: Path) -> None:
    contents = [bytes([letter]) * 100_000 for letter in b"abcdefgh"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_bytes(path, content), contents))
    assert list(files(path)) == ["state.pt"]
    assert path.read_bytes() in contents


def test_json_is_readable_and_ends_its_last_line(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"ε": [1e-3, None]})
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"ε": [1e-3, None]}
    assert "ε" in text
    assert text.endswith("}\n")

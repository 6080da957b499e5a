from __future__ import annotations

import errno
import gzip
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.data import cache, idx
from repro.data.catalogue import entry_of
from repro.data.content import File
from repro.data.entry import Entry
from repro.errors import DataError, StorageError, UsageError

Tiny = Callable[..., Entry]
NAMES = {"tiny/train-images", "tiny/train-labels", "tiny/test-images", "tiny/test-labels"}


def _files_below(folder: Path) -> set[str]:
    """Every file below `folder`, lock files apart."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)) for path in found}


def test_what_is_missing_is_fetched_once_and_then_found(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    entry = tiny(shelf)
    first, second = (cache.found_or_fetched(entry, tmp_path)[0] for _ in range(2))
    assert first.paths == second.paths
    assert len(shelf.asked) == 4
    assert _files_below(tmp_path) == NAMES


def test_the_second_source_serves_where_the_first_has_the_wrong_content(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    wrong = type(shelf)(contents=dict.fromkeys(shelf.contents, b"<html>"), title="the portal")
    stored = cache.fetch(tiny(wrong, shelf), tmp_path)
    assert {file.name: path.read_bytes() for file, path in stored.paths.items()} == shelf.contents
    assert _files_below(tmp_path) == NAMES


def test_what_one_source_delivered_is_not_asked_of_the_next(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    half = type(shelf)(contents={**shelf.contents, "test-images": b"damaged"})
    cache.fetch(tiny(half, shelf), tmp_path)
    assert shelf.asked == ["test-images", "test-labels"]


def test_when_all_sources_fail_each_is_named_and_nothing_is_kept(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    wrong = type(shelf)(contents=dict.fromkeys(shelf.contents, b"<html>"), title="the portal")
    with pytest.raises(DataError) as told:
        cache.fetch(tiny(wrong, wrong), tmp_path)
    message = str(told.value)
    assert message.count("train-images from the portal has 6 bytes") == 2
    assert "repro data get tiny" in message
    assert str(tmp_path / "tiny/test-labels") in message
    assert _files_below(tmp_path) == set()


def test_a_damaged_file_is_fetched_again_and_the_whole_ones_are_not(
    tmp_path: Path, tiny: Tiny, shelf: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.fetch(tiny(shelf), tmp_path)
    damaged = tmp_path / "tiny/test-images"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    shelf.asked.clear()
    cache.fetch(tiny(shelf), tmp_path)
    assert shelf.asked == ["test-images"]
    assert damaged.read_bytes() == shelf.contents["test-images"]
    assert f"{damaged} has" in capsys.readouterr().err


def test_a_data_set_that_may_not_be_downloaded_says_what_to_do(tmp_path: Path, tiny: Tiny) -> None:
    with pytest.raises(DataError, match=rf"tiny cannot be downloaded: .* Looked in {tmp_path}"):
        cache.found_or_fetched(tiny(), tmp_path)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, tiny: Tiny, shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        if "test-images" not in path.name:
            return whole(path, content)
        whole(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(StorageError, match=r"cannot write .*tiny/test-images: the disk is full; free some space"):
        cache.fetch(tiny(shelf, shelf), tmp_path)
    assert _files_below(tmp_path) == {"tiny/train-images", "tiny/train-labels"}
    monkeypatch.undo()
    cache.fetch(tiny(shelf), tmp_path)
    assert _files_below(tmp_path) == NAMES


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(StorageError, match=rf"cannot write {locked}: permission denied.*REPRO_DATA"):
        cache.fetch(tiny(shelf), locked)
    assert shelf.asked == []


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match=rf"cannot write {tmp_path}/data"):
        cache.fetch(tiny(shelf), tmp_path / "data")


def test_a_whole_data_set_in_a_folder_that_may_not_be_written_serves(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    cache.fetch(tiny(shelf), tmp_path)
    (tmp_path / ".tiny.lock").unlink()
    tmp_path.chmod(0o555)
    assert cache.found_or_fetched(tiny(shelf), tmp_path)[0].paths
    assert not (tmp_path / ".tiny.lock").exists()


def test_the_users_cache_serves_where_repro_data_may_not_be_written(
    tmp_path: Path, tiny: Tiny, shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given"
    given.mkdir(mode=0o555)
    monkeypatch.setenv("REPRO_DATA", str(given))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    cache.fetch(tiny(shelf))
    assert _files_below(tmp_path) == {f"xdg/repro/{name}" for name in NAMES}
    assert cache.found(tiny())


def test_the_folders_are_the_one_asked_for_else_repro_data_and_the_users_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/reader")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("REPRO_DATA", raising=False)
    assert cache.folders() == (Path("/home/reader/.cache/repro"),)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.folders() == (Path("/xdg/repro"),)
    monkeypatch.setenv("REPRO_DATA", "/given")
    assert cache.folders() == (Path("/given"), Path("/xdg/repro"))
    assert cache.folders(Path("/root")) == (Path("/root"),)


def test_a_file_in_the_place_of_the_data_directory_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"REPRO_DATA='.*file' must be a folder, and is a file"):
        cache.folders()


class Slow:
    """A source that notes each call in a file, and delivers after a moment."""

    title = "the slow source"

    def __init__(self, contents: dict[str, bytes], notes: Path, seconds: float) -> None:
        self.contents, self.notes, self.seconds = contents, notes, seconds

    def fetch(self, files: Sequence[File], _: Path) -> Iterator[tuple[File, bytes]]:
        with self.notes.open("a") as notes:
            notes.write("asked\n")
        for file in files:
            time.sleep(self.seconds)
            yield file, self.contents[file.name]


FORKING = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
"""Newer Pythons warn of what these tests do on purpose: fork, where importing torch anew would take seconds."""


def _in_a_process(entry: Entry, root: Path) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=cache.found_or_fetched, args=(entry, root))
    process.start()
    return process


@FORKING
def test_of_two_processes_at_once_one_fetches_and_both_succeed(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    notes = tmp_path / "notes"
    entry = tiny(Slow(shelf.contents, notes, 0.05))
    processes = [_in_a_process(entry, tmp_path / "data") for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert notes.read_text() == "asked\n"
    assert _files_below(tmp_path / "data") == NAMES


@FORKING
def test_killed_while_fetching_the_next_call_finishes_the_work(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    notes, data = tmp_path / "notes", tmp_path / "data"
    process = _in_a_process(tiny(Slow(shelf.contents, notes, 0.2)), data)
    while "tiny/train-images" not in _files_below(data):
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (data / "tiny/.test-labels.1234.0123abcd").write_bytes(b"left by a writer that was killed")
    cache.found_or_fetched(tiny(shelf), data)
    assert "train-images" not in shelf.asked
    assert _files_below(data) == NAMES


def test_a_sweep_takes_what_killed_writers_left_and_neither_the_lock_nor_an_unfinished_download(
    tmp_path: Path, shelf: Any
) -> None:
    file = File("train-images", None, None)  # in the data directory itself, as the spoken digits are
    entry = Entry("tiny", "Tiny", 4, 2, (1, 2, 3), 3, "none", "none", (file,), (Untidy(None),), idx.read)
    (tmp_path / ".train-images.1234.0123abcd").write_bytes(b"left by a writer that was killed")
    with pytest.raises(DataError, match="the connection broke"):
        cache.fetch(entry, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".train-images.lock", ".train-images.unfinished"}
    cache.fetch(replace(entry, sources=(shelf,)), tmp_path)
    assert (tmp_path / "train-images").read_bytes() == shelf.contents["train-images"]


def test_a_file_that_is_there_packed_is_not_fetched(tmp_path: Path, tiny: Tiny, shelf: Any) -> None:
    packed = tmp_path / "tiny" / "train-images.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(shelf.contents["train-images"]))
    stored = cache.fetch(tiny(shelf), tmp_path)
    assert shelf.asked == ["train-labels", "test-images", "test-labels"]
    assert {file.name: file.read(path) for file, path in stored.paths.items()} == shelf.contents


class Untidy:
    """A source that leaves an unfinished download in its workspace, and then delivers or fails."""

    title = "the untidy source"

    def __init__(self, contents: dict[str, bytes] | None) -> None:
        self.contents = contents

    def fetch(self, files: Sequence[File], workspace: Path) -> Iterator[tuple[File, bytes]]:
        workspace.mkdir()
        (workspace / "part").write_bytes(b"unfinished")
        if self.contents is None:
            raise DataError("the connection broke")
        for file in files:
            yield file, self.contents[file.name]


def test_an_unfinished_download_is_kept_for_resuming_and_removed_in_the_end(
    tmp_path: Path, tiny: Tiny, shelf: Any
) -> None:
    with pytest.raises(DataError, match="the connection broke"):
        cache.fetch(tiny(Untidy(None)), tmp_path)
    assert _files_below(tmp_path) == {".tiny.unfinished/part"}
    (tmp_path / ".tiny.unfinished/part").unlink()
    (tmp_path / ".tiny.unfinished").rmdir()
    cache.fetch(tiny(Untidy(shelf.contents)), tmp_path)
    assert not (tmp_path / ".tiny.unfinished").exists()


def test_a_subset_shares_the_lock_of_the_whole() -> None:
    assert entry_of("cifar10-10k").store == entry_of("cifar10").store == "cifar10"
    assert entry_of("cifar100").store != "cifar10"

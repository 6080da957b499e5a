from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repro.data import download as module
from repro.data.download import download
from repro.errors import DataError, StorageError

CONTENT = bytes(range(256)) * 40


class Server(ThreadingHTTPServer):
    """Serves CONTENT; may ignore ranges, or break off after some bytes."""

    resumes = True
    break_after: int | None = None
    status: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked[6:-1]) if asked and self.server.resumes else 0
        self.send_response(self._status(asked, start))
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:][: self.server.break_after])

    def _status(self, asked: str | None, start: int) -> int:
        if start > len(CONTENT):
            return 416
        return self.server.status or (206 if asked and self.server.resumes else 200)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_download_is_what_the_server_holds_and_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    assert download(server.url, tmp_path / "work") == CONTENT
    assert list((tmp_path / "work").iterdir()) == []


def test_a_broken_download_is_resumed_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.break_after = 1000
    with pytest.raises(DataError, match="broke off after 1000 of 10240 bytes; run the command again to resume"):
        download(server.url, tmp_path)
    server.break_after = None
    assert download(server.url, tmp_path) == CONTENT
    assert server.asked == [None, "bytes=1000-"]


def test_a_server_that_cannot_resume_is_asked_for_everything(server: Server, tmp_path: Path) -> None:
    server.break_after = 1000
    with pytest.raises(DataError):
        download(server.url, tmp_path)
    server.break_after, server.resumes = None, False
    assert download(server.url, tmp_path) == CONTENT


def test_a_part_longer_than_the_file_is_dropped(server: Server, tmp_path: Path) -> None:
    server.break_after = 1000
    with pytest.raises(DataError):
        download(server.url, tmp_path)
    server.break_after = None
    (part,) = tmp_path.glob("*.part")
    part.write_bytes(bytes(len(CONTENT) + 1))
    assert download(server.url, tmp_path) == CONTENT


def test_an_answer_of_not_found_names_the_address(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match=f"{server.url} answers 404"):
        download(server.url, tmp_path)


def test_without_a_network_the_address_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:9/file is out of reach \(.*refused"):
        download("http://127.0.0.1:9/file", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.05)
    hold = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda _: hold.wait(5) and None)
    try:
        with pytest.raises(DataError, match=r"is out of reach \(timed out\)"):
            download(server.url, tmp_path)
    finally:
        hold.set()


def test_a_full_disk_is_told_with_the_file_and_the_way_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_append", no_space)
    with pytest.raises(StorageError, match=r"cannot write .*\.part: No space left on device\. Free some space"):
        download(server.url, tmp_path)

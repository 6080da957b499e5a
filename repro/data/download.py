"""One https download that can be interrupted at any byte and resumed."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from repro.data.disk import writing
from repro.errors import DataError

CHUNK = 1 << 18
TIMEOUT = 20.0
"""Seconds without a byte after which an address counts as out of reach."""


def download(url: str, workspace: Path) -> bytes:
    """The content at `url`.

    What has arrived is kept in `workspace` until the download is complete, and only the rest is asked for
    the next time. A server that cannot resume sends everything again.

    Raises:
        DataError: the address is out of reach, or the connection broke before the end.
        StorageError: `workspace` cannot be written.
    """
    part = workspace / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.part"
    with writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        with _opened(url, part.stat().st_size if part.exists() else 0) as response, part.open("ab") as out:
            _append(response, out, url)
        content = part.read_bytes()
        part.unlink()
    return content


def _opened(url: str, start: int) -> http.client.HTTPResponse:
    """The answer to a request for the bytes from `start` on."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if start and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _opened(url, 0)
        raise DataError(f"{url} answers {error.code} {error.reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{url} is out of reach ({getattr(error, 'reason', error)}).") from error
    return response


def _append(response: http.client.HTTPResponse, out: BinaryIO, url: str) -> None:
    """Append `response` to `out`, or begin again where the server sends everything."""
    if response.status != http.client.PARTIAL_CONTENT:
        out.truncate(0)
    length = response.headers.get("Content-Length")
    total = out.seek(0, os.SEEK_END) + int(length) if length else None
    while chunk := _next_chunk(response, url):
        out.write(chunk)
        _show(out.tell(), total)
    if total is not None and out.tell() != total:
        raise DataError(f"{url} broke off after {out.tell()} of {total} bytes; run the command again to resume.")


def _next_chunk(response: http.client.HTTPResponse, url: str) -> bytes:
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{url} broke off ({error}); run the command again to resume.") from error


def _show(done: int, total: int | None) -> None:
    if sys.stderr.isatty():
        whole = f" of {total / 1e6:.1f}" if total else ""
        end = "\n" if done == total else ""
        print(f"\r  {done / 1e6:.1f}{whole} MB ", end=end, file=sys.stderr, flush=True)

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from repro.data import archives
from repro.errors import DataError

HELD = {"folder/a": b"first", "b": b"", "../../escape": b"outside", "/etc/absolute": b"root"}


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_members_of_a_tar_archive_are_read_by_name(tar_gz: Callable[[dict[str, bytes]], bytes]) -> None:
    members = archives.tar(tar_gz(HELD), "x.tar.gz")
    assert {name: members.read(name) for name in members.names} == HELD


def test_the_members_of_a_zip_archive_are_read_by_name() -> None:
    members = archives.zipped(_zip(HELD), "x.zip")
    assert {name: members.read(name) for name in members.names} == HELD


def test_links_and_devices_are_not_members() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/passwd"
            archive.addfile(header)
    assert list(archives.tar(buffer.getvalue(), "x.tar").names) == []


def test_a_missing_member_is_named() -> None:
    with pytest.raises(DataError, match=r"x\.zip has no member c"):
        archives.zipped(_zip(HELD), "x.zip").read("c")


@pytest.mark.parametrize("kept", [0, 10, 0.5])
def test_a_truncated_tar_archive_is_refused(kept: float, tar_gz: Callable[[dict[str, bytes]], bytes]) -> None:
    whole = tar_gz({"a": bytes(range(256)) * 40})
    with pytest.raises(DataError, match="is not a whole tar archive"):
        archives.tar(whole[: int(kept * len(whole)) if kept < 1 else int(kept)], "x.tar.gz")


def test_a_plain_tar_cut_inside_a_member_is_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        header = tarfile.TarInfo("a")
        header.size = 2000
        archive.addfile(header, io.BytesIO(bytes(2000)))
    with pytest.raises(DataError, match=r"x\.tar.*fetch"):
        archives.tar(buffer.getvalue()[:1500], "x.tar").read("a")


def test_a_truncated_zip_archive_is_refused() -> None:
    with pytest.raises(DataError, match=r"x\.zip is not a whole zip archive"):
        archives.zipped(_zip(HELD)[:-30], "x.zip")


def test_a_zip_member_with_a_flipped_bit_is_refused() -> None:
    damaged = bytearray(_zip({"a": b"first"}))
    damaged[damaged.index(b"first")] ^= 1
    with pytest.raises(DataError, match="member a is damaged"):
        archives.zipped(bytes(damaged), "x.zip").read("a")


def _with_header(content: bytes, flags: int, method: int) -> bytes:
    """The zip archive of one member with other flags and another method, in both of its headers."""
    changed = bytearray(content)
    for start in (6, content.index(b"PK\x01\x02") + 8):
        changed[start : start + 4] = struct.pack("<HH", flags, method)
    return bytes(changed)


@pytest.mark.parametrize(("flags", "method", "told"), [(1, 0, "encrypted"), (0, 99, "compression method")])
def test_a_zip_member_that_is_encrypted_or_packed_in_an_unknown_way_is_refused(
    flags: int, method: int, told: str
) -> None:
    content = _with_header(_zip({"a": b"first"}), flags, method)
    with pytest.raises(DataError, match=rf"x\.zip: member a is damaged \(.*{told}.*\); fetch the archive again"):
        archives.zipped(content, "x.zip").read("a")


def test_a_zip_member_that_lies_before_the_archive_is_refused() -> None:
    content = bytearray(_zip({"a": b"first"}))
    end = content.index(b"PK\x05\x06")
    content[end + 16 : end + 20] = struct.pack("<I", 0xFF)
    with pytest.raises(DataError, match=r"x\.zip"):
        archives.zipped(bytes(content), "x.zip").read("a")


def test_a_gzip_file_is_not_unpacked_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch, tar_gz: Callable[[dict[str, bytes]], bytes]
) -> None:
    whole = tar_gz({"a": bytes(2000)})
    size = len(gzip.decompress(whole))
    monkeypatch.setattr(archives, "UNPACKED", size)
    assert archives.tar(whole, "x.tar.gz").read("a") == bytes(2000)
    monkeypatch.setattr(archives, "UNPACKED", size - 1)
    with pytest.raises(DataError, match=rf"x\.tar\.gz unpacks to more than the limit of {size - 1} bytes; fetch"):
        archives.tar(whole, "x.tar.gz")


def test_a_member_beyond_the_limit_is_never_unpacked(
    monkeypatch: pytest.MonkeyPatch, tar_gz: Callable[[dict[str, bytes]], bytes]
) -> None:
    monkeypatch.setattr(archives, "LIMIT", 4)
    for read, content in ((archives.zipped, _zip(HELD)), (archives.tar, tar_gz(HELD))):
        with pytest.raises(DataError, match="member folder/a of 5 bytes exceeds the limit of 4"):
            read(content, "the archive")

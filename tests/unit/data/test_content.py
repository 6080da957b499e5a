from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from repro.data import npz
from repro.data.content import File, gunzip
from repro.errors import DataError, StorageError

HELLO = File("greetings/hello", "5d41402abc4b2a76b9719d911017c592", 5)
"""The file whose content is `hello`."""


def _place(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "greetings" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_right_content_is_read(tmp_path: Path) -> None:
    assert HELLO.read(_place(tmp_path, "hello", b"hello")) == b"hello"


def test_a_gzipped_file_serves_as_well_whatever_packed_it(tmp_path: Path) -> None:
    path = _place(tmp_path, "hello.gz", gzip.compress(b"hello", 1, mtime=7))
    assert HELLO.locate(tmp_path) == path
    assert HELLO.read(path) == b"hello"


def test_a_file_of_unknown_size_serves_only_plain(tmp_path: Path) -> None:
    _place(tmp_path, "hello.gz", gzip.compress(b"hello"))
    assert replace(HELLO, size=None).locate(tmp_path) is None


def test_the_plain_file_is_preferred(tmp_path: Path) -> None:
    _place(tmp_path, "hello.gz", gzip.compress(b"hello"))
    plain = _place(tmp_path, "hello", b"hello")
    assert HELLO.locate(tmp_path) == plain


def test_a_missing_file_is_nowhere(tmp_path: Path) -> None:
    assert HELLO.locate(tmp_path) is None


def test_a_wrong_checksum_names_file_both_sums_and_the_way_out(tmp_path: Path) -> None:
    path = _place(tmp_path, "hello", b"hallo")
    with pytest.raises(DataError) as told:
        HELLO.read(path)
    for part in (str(path), "598d4c200461b81522a3328565c25f7c", HELLO.digest, "Delete it", "repro data get"):
        assert str(part) in str(told.value)


def test_a_truncated_file_names_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 4 bytes; hello has 5"):
        HELLO.read(_place(tmp_path, "hello", b"hell"))


def test_a_truncated_gzip_file_is_refused() -> None:
    with pytest.raises(DataError, match=r"x\.gz is not a whole gzip file"):
        gunzip(gzip.compress(b"hello")[:-9], 5, "x.gz")


def test_a_gzip_file_with_a_flipped_bit_is_refused() -> None:
    packed = bytearray(gzip.compress(b"hello"))
    packed[-8] ^= 1
    with pytest.raises(DataError, match="not a whole gzip file"):
        gunzip(bytes(packed), 5, "x.gz")


def test_what_is_no_gzip_file_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="not a whole gzip file"):
        gunzip(b"<html>", 5, "x.gz")


@pytest.mark.parametrize(("content", "found"), [(b"hell", "4"), (b"hello world", "more than 5")])
def test_a_gzip_file_of_another_size_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(DataError, match=rf"x\.gz unpacks to {found} bytes; it must be 5"):
        gunzip(gzip.compress(content), 5, "x.gz")


def test_a_file_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*hello: .*\. .*REPRO_DATA"):
        HELLO.read(tmp_path / "greetings" / "hello")


def test_a_digest_of_none_accepts_any_content(tmp_path: Path) -> None:
    anything = File("greetings/hello", None, None)
    assert anything.read(_place(tmp_path, "hello", b"whatever")) == b"whatever"


def test_a_checksum_that_cannot_be_taken_names_the_file() -> None:
    file = File("a.npz", "0", None, checksum=npz.sha256_of_arrays)
    with pytest.raises(DataError, match=r"/there/a\.npz: the file is not a whole npz file"):
        file.check(b"nonsense", "/there/a.npz")

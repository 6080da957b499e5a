from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data import packages
from repro.data.content import File
from repro.data.packages import DebianPackage, NpmPackage, UrlArchive
from repro.data.sources import AsIs, GzipEach, Packed
from repro.errors import DataError

TarGz = Callable[[dict[str, bytes]], bytes]


def _command(folder: Path, name: str, script: str) -> None:
    """Put an executable called `name` first on the way to commands."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return lambda name, script: _command(tmp_path, name, script)


def test_an_npm_package_is_packed_without_running_its_scripts(
    tmp_path: Path, commands: Callable[[str, str], None], tar_gz: TarGz
) -> None:
    (tmp_path / "held.tgz").write_bytes(tar_gz({"package/data": b"content"}))
    commands("npm", f'echo "$@" > {tmp_path}/asked; cp {tmp_path}/held.tgz made-1.0.0.tgz')
    digest = hashlib.sha256((tmp_path / "held.tgz").read_bytes()).hexdigest()
    members = NpmPackage("made@1.0.0", digest).members(tmp_path / "work")
    assert members.read("package/data") == b"content"
    assert (tmp_path / "asked").read_text() == "pack --ignore-scripts --silent made@1.0.0\n"
    assert list((tmp_path / "work").iterdir()) == []


def test_an_npm_archive_with_another_checksum_is_not_opened(
    tmp_path: Path, commands: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands("npm", "echo evil > made-1.0.0.tgz")
    monkeypatch.setattr(packages, "tar", lambda *_: pytest.fail("the archive was opened"))
    with pytest.raises(DataError, match=r"npm made@1\.0\.0 has sha256 .*; it must be 0000"):
        NpmPackage("made@1.0.0", "0000").members(tmp_path)


def test_a_missing_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="`npm` is not installed"):
        NpmPackage("made@1.0.0", "0000").members(tmp_path)


def test_a_failing_client_is_quoted(tmp_path: Path, commands: Callable[[str, str], None]) -> None:
    commands("npm", "echo 'getaddrinfo ENOTFOUND registry' >&2; exit 7")
    with pytest.raises(DataError, match="failed with exit code 7: getaddrinfo ENOTFOUND registry"):
        NpmPackage("made@1.0.0", "0000").members(tmp_path)


def test_a_client_that_leaves_nothing_is_told(tmp_path: Path, commands: Callable[[str, str], None]) -> None:
    commands("npm", "exit 0")
    with pytest.raises(DataError, match=r"left 0 files \*\.tgz; it must leave one"):
        NpmPackage("made@1.0.0", "0000").members(tmp_path)


def test_a_client_that_never_ends_is_given_up(
    tmp_path: Path, commands: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "PATIENCE", 0.1)
    commands("npm", "exec sleep 5")
    with pytest.raises(DataError, match="did not finish in 0 seconds"):
        NpmPackage("made@1.0.0", "0000").members(tmp_path)


def test_the_installed_files_of_a_debian_package_are_used(tmp_path: Path) -> None:
    installed = tmp_path / "share"
    installed.mkdir()
    (installed / "images.gz").write_bytes(b"content")
    members = DebianPackage("made", installed).members(tmp_path)
    assert members.read(f"{str(installed)[1:]}/images.gz") == b"content"


def test_a_debian_package_that_is_not_installed_is_downloaded_and_read_without_root(
    tmp_path: Path, commands: Callable[[str, str], None]
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        header = tarfile.TarInfo("./usr/share/made/images.gz")
        header.size = 7
        archive.addfile(header, io.BytesIO(b"content"))
    (tmp_path / "held.tar").write_bytes(buffer.getvalue())
    commands("apt-get", f'echo "$@" > {tmp_path}/asked; echo archive > made_1.0_all.deb')
    commands("dpkg-deb", f'test "$(cat $2)" = archive && cat {tmp_path}/held.tar')
    members = DebianPackage("made", tmp_path / "absent").members(tmp_path / "work")
    assert members.read("usr/share/made/images.gz") == b"content"
    assert (tmp_path / "asked").read_text() == "download made\n"


def test_a_url_archive_with_another_checksum_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "download", lambda *_: b"evil")
    monkeypatch.setattr(packages, "tar", lambda *_: pytest.fail("the archive was opened"))
    with pytest.raises(DataError, match=r"https://made/x\.tar\.gz has md5 4034a346ccee15292d823416f7510a2f"):
        UrlArchive("https://made/x.tar.gz", "0000").members(tmp_path)


def test_a_packed_source_unpacks_what_is_wanted_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tar_gz: TarGz
) -> None:
    monkeypatch.setattr(packages, "download", lambda *_: tar_gz({"in/a": b"A", "in/b": b"B"}))
    source = Packed(UrlArchive("https://made/x.tar.gz"), lambda members, file: members.read(f"in/{file.name}"))
    wanted = [File("tiny/b", None, None), File("tiny/a", None, None)]
    assert [(file.name, held) for file, held in source.fetch(wanted, tmp_path)] == [("b", b"B"), ("a", b"A")]


def test_single_files_are_asked_for_by_their_own_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"https://made/a.gz": gzip.compress(b"A"), "https://made/whole": b"W"}
    monkeypatch.setattr("repro.data.sources.download", lambda url, _: held[url])
    assert [content for _, content in GzipEach("https://made").fetch([File("tiny/a", None, 1)], tmp_path)] == [b"A"]
    assert [content for _, content in AsIs("https://made/whole").fetch([File("w", None, None)], tmp_path)] == [b"W"]


def test_dpkg_really_reads_an_archive_from_its_standard_input(tmp_path: Path) -> None:
    content = tmp_path / "made"
    (content / "DEBIAN").mkdir(parents=True)
    (content / "DEBIAN/control").write_text(
        "Package: made\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@b>\nDescription: made\n"
    )
    (content / "data").write_bytes(b"content")
    try:
        subprocess.run(["dpkg-deb", "--build", "-Znone", content, tmp_path / "made.deb"], check=True, stdout=-3)
    except FileNotFoundError:
        pytest.skip("dpkg-deb is not installed")
    plain = packages._run(["dpkg-deb", "--fsys-tarfile", "/dev/stdin"], tmp_path, (tmp_path / "made.deb").read_bytes())
    assert packages.tar(plain, "made").read("./data") == b"content"

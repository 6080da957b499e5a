"""The idx format of MNIST: two zero bytes, a type, the number of axes, their lengths, then the values.

Format: http://yann.lecun.com/exdb/mnist/ (section "FILE FORMATS"). Only unsigned bytes (type 8) are read.
"""

from __future__ import annotations

import math
import struct

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data.entry import Entry, Stored
from repro.data.labels import checked_labels
from repro.data.tensors import Dataset, Split
from repro.errors import DataError

UNSIGNED_BYTE = 8


def decode(content: bytes, where: str) -> NDArray[np.uint8]:
    """The array that an uncompressed idx file holds.

    Args:
        content: the whole file.
        where: the file's name, for the error.

    Raises:
        DataError: wrong magic number, or more or fewer bytes than the header promises.
    """
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise DataError(
            f"{where} begins with {content[:4].hex() or 'nothing'}; an idx file of unsigned bytes begins "
            "with 000008. Fetch the file again."
        )
    axes, start = content[3], 4 + 4 * content[3]
    if len(content) < start:
        raise DataError(f"{where} ends inside its header of {start} bytes; fetch the file again.")
    shape = struct.unpack(f">{axes}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DataError(
            f"{where} holds {len(content) - start} values; its header promises {math.prod(shape)} "
            f"({' x '.join(map(str, shape))}). Fetch the file again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def encode(array: NDArray[np.uint8]) -> bytes:
    """The idx file that holds `array`."""
    header = struct.pack(f">4B{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()


def read(entry: Entry, stored: Stored) -> Dataset:
    """A data set of four idx files: training images and labels, test images and labels.

    Returns:
        inputs of shape `(n, 1, height, width)`, uint8.

    Raises:
        DataError: a file is malformed, or does not hold what the entry says.
    """
    train_images, train_labels, test_images, test_labels = map(stored.read, entry.files)
    train = _split(train_images, train_labels, entry, "training")
    return Dataset(entry.name, train, _split(test_images, test_labels, entry, "test"), entry.classes)


def _split(images: bytes, labels: bytes, entry: Entry, which: str) -> Split:
    pixels = decode(images, f"{entry.name} {which} images")
    numbers = decode(labels, f"{entry.name} {which} labels")
    if pixels.shape[1:] != entry.shape[1:] or numbers.shape != pixels.shape[:1]:
        raise DataError(
            f"{entry.name}: {which} images of shape {pixels.shape} and labels of shape {numbers.shape} "
            f"must be (n, {', '.join(map(str, entry.shape[1:]))}) and (n,)."
        )
    return Split(torch.tensor(pixels[:, None]), checked_labels(numbers, entry.classes, f"{entry.name} {which} labels"))

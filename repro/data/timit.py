"""TIMIT as its licence holders prepare it: one npz file of plain arrays, `timit.npz` in the data directory.

    train_inputs   float32  (n, 360)   features of the training frames, already normalised
    train_labels   integer  (n,)       0..classes-1
    test_inputs    float32  (m, 360)
    test_labels    integer  (m,)
    classes        integer  ()         1,973 in Keskar et al. 2017, App. B.2

Uncompressed (`np.savez`) it loads fastest. There is no checksum, since every preparation differs: the layout,
the types, the range of the labels and that all features are finite are checked at every reading.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data import npz
from repro.data.entry import Entry, Stored
from repro.data.labels import checked_labels
from repro.data.tensors import Dataset, Split
from repro.errors import DataError


def read(entry: Entry, stored: Stored) -> Dataset:
    """The data set in the prepared file.

    Raises:
        DataError: an array is missing, or not of the type, shape or range above.
    """
    path = stored.paths[entry.files[0]]
    arrays = npz.load(path, str(path))
    classes = _array(arrays, "classes", "iu", (), str(path)).item()
    train, test = (_split(arrays, which, classes, entry.shape, str(path)) for which in ("train", "test"))
    return Dataset(entry.name, train, test, classes)


def _split(arrays: npz.Arrays, which: str, classes: int, shape: tuple[int, ...], where: str) -> Split:
    inputs = _array(arrays, f"{which}_inputs", "f", (-1, *shape), where)
    labels = _array(arrays, f"{which}_labels", "iu", (len(inputs),), where)
    if inputs.dtype != np.float32 or not np.isfinite(inputs).all():
        raise DataError(f"{where}: {which}_inputs, {inputs.dtype}, must be float32 and finite; prepare them again.")
    return Split(torch.from_numpy(inputs), checked_labels(labels, classes, f"{where}: {which}_labels"))


def _array(arrays: npz.Arrays, name: str, kinds: str, shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """One array, once its kind of number and its shape (-1: any length above 0) are right."""
    if name not in arrays:
        raise DataError(f"{where} lacks the array {name}; it has {', '.join(sorted(arrays)) or 'none'}.")
    array = arrays[name]
    fits = len(array.shape) == len(shape) and all(
        have == want or (want == -1 and have > 0) for have, want in zip(array.shape, shape, strict=True)
    )
    if array.dtype.kind not in kinds or not fits:
        wanted = str(shape).replace("-1", "n")
        raise DataError(
            f"{where}: {name} is {array.dtype} of shape {array.shape}; it must be "
            f"{'an integer' if 'i' in kinds else 'float32'} array of shape {wanted}."
        )
    return array

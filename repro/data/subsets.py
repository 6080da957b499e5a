"""Smaller data sets, cut from whole ones by a fixed rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from repro.data import idx
from repro.data.entry import Entry, Stored
from repro.data.labels import first_of_each_class
from repro.data.tensors import Dataset, Split

EMBEDDED_TRAIN, EMBEDDED_TEST = 600, 200
"""Images a class of `mnist-embedded`."""


def few(count: int, read: Callable[[Entry, Stored], Dataset]) -> Callable[[Entry, Stored], Dataset]:
    """Reads what `read` does, of the training images the first `count` of each class, in original order."""

    def cut(entry: Entry, stored: Stored) -> Dataset:
        whole = read(entry, stored)
        return replace(whole, train=whole.train.take(first_of_each_class(whole.train.labels, count, whole.classes)))

    return cut


def embedded_files(mnist: Dataset) -> tuple[bytes, bytes, bytes, bytes]:
    """The four idx files of `mnist-embedded`, uncompressed, made from the whole of MNIST.

    They hold the first 600 training and the first 200 test images of each class, in their original order;
    the package ships them as `gzip.compress(content, 9, mtime=0)`.
    """
    return *_cut(mnist.train, EMBEDDED_TRAIN), *_cut(mnist.test, EMBEDDED_TEST)


def _cut(split: Split, count: int) -> tuple[bytes, bytes]:
    kept = split.take(first_of_each_class(split.labels, count, 10))
    return idx.encode(kept.inputs[:, 0].numpy()), idx.encode(kept.labels.numpy().astype("uint8"))

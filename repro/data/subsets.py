"""Smaller data sets, cut from whole ones by a fixed rule."""

from __future__ import annotations

from dataclasses import replace

from repro.data import cifar, idx
from repro.data.entry import Entry, Stored
from repro.data.labels import first_of_each_class
from repro.data.tensors import Dataset, Split

EMBEDDED_TRAIN, EMBEDDED_TEST = 600, 200
"""Images a class of `mnist-embedded`."""


def first_thousand_of_each_class(entry: Entry, stored: Stored) -> Dataset:
    """CIFAR-10: the first 1,000 training images of each class, in original order; the whole test set."""
    whole = cifar.read_ten(entry, stored)
    chosen = first_of_each_class(whole.train.labels, 1_000, whole.classes)
    return replace(whole, train=whole.train.take(chosen))


def embedded_files(mnist: Dataset) -> tuple[bytes, bytes, bytes, bytes]:
    """The four idx files of `mnist-embedded`, uncompressed, made from the whole of MNIST.

    They hold the first 600 training and the first 200 test images of each class, in their original order;
    the package ships them as `gzip.compress(content, 9, mtime=0)`.
    """
    return *_cut(mnist.train, EMBEDDED_TRAIN), *_cut(mnist.test, EMBEDDED_TEST)


def _cut(split: Split, count: int) -> tuple[bytes, bytes]:
    kept = split.take(first_of_each_class(split.labels, count, 10))
    return idx.encode(kept.inputs[:, 0].numpy()), idx.encode(kept.labels.numpy().astype("uint8"))

from __future__ import annotations

import gzip
from collections.abc import Callable

import torch

from repro.data import Dataset, load
from repro.data.catalogue import MNIST_EMBEDDED
from repro.data.subsets import embedded_files


def test_each_class_has_six_hundred_training_and_two_hundred_test_images() -> None:
    data = load("mnist-embedded")
    assert torch.bincount(data.train.labels).tolist() == [600] * 10
    assert torch.bincount(data.test.labels).tolist() == [200] * 10


def test_the_whole_data_set_gives_the_embedded_files_bit_for_bit(at_hand: Callable[[str], Dataset]) -> None:
    assert MNIST_EMBEDDED.folder is not None
    for file, content in zip(MNIST_EMBEDDED.files, embedded_files(at_hand("mnist")), strict=True):
        path = file.locate(MNIST_EMBEDDED.folder)
        assert path is not None
        assert gzip.decompress(path.read_bytes()) == content


def test_the_embedded_files_carry_no_date_and_no_name() -> None:
    assert MNIST_EMBEDDED.folder is not None
    for path in MNIST_EMBEDDED.folder.glob("*.gz"):
        assert path.read_bytes()[3:8] == bytes(5)

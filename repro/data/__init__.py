"""Data sets, whole in memory, from sources whose content is verified."""

from repro.data.augment import Augmentation, augmentation
from repro.data.catalogue import CATALOGUE
from repro.data.entry import Entry
from repro.data.loading import get, load, verify
from repro.data.tensors import Dataset, Split

__all__ = [
    "CATALOGUE",
    "Augmentation",
    "Dataset",
    "Entry",
    "Split",
    "augmentation",
    "get",
    "load",
    "verify",
]

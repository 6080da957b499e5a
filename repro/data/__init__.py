"""Data sets, whole in memory, from sources whose content is verified."""

from repro.data.catalogue import CATALOGUE
from repro.data.entry import Entry
from repro.data.loading import get, load, names, verify
from repro.data.tensors import Dataset, Split

__all__ = ["CATALOGUE", "Dataset", "Entry", "Split", "get", "load", "names", "verify"]

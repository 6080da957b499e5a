"""The processor alone, one thread, and each test from one random state; in the CI the same examples every time."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
os.environ.pop("REPRO_DEVICE", None)

settings.register_profile("local", deadline=None)
settings.register_profile("theory", deadline=None, max_examples=500)
settings.register_profile("ci", deadline=None, max_examples=40, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def torch_starts_from_one_random_state() -> None:
    """A network made without a stream of its own is the same whichever tests ran before."""
    torch.manual_seed(0)

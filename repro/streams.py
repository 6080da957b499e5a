"""Random streams named by their use, so that nothing depends on the order in which numbers are drawn."""

from __future__ import annotations

import hashlib

import torch


def stream_seed(seed: int, *name: object) -> int:
    """A 63-bit seed that depends only on `seed` and on what the stream is for.

    Args:
        seed: the run's seed.
        name: what the numbers are used for, for example `"order", epoch`.
    """
    key = hashlib.sha256(repr((seed, *name)).encode()).digest()
    return int.from_bytes(key[:8], "big") >> 1


def stream(seed: int, *name: object) -> torch.Generator:
    """A CPU generator of its own for each `(seed, *name)`; the global generator is never touched."""
    return torch.Generator().manual_seed(stream_seed(seed, *name))

"""A checkpoint is bytes that know whether they are whole, and that run no code when they are read."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import torch

from repro.errors import StorageError

DIGEST_BYTES = 32


def to_bytes(state: dict[str, Any]) -> bytes:
    """The state of a run as bytes, ending in the SHA-256 digest of what stands before."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    return content + hashlib.sha256(content).digest()


def from_bytes(content: bytes, name: str) -> dict[str, Any]:
    """The state that `to_bytes` wrote, on the CPU whatever device it was on; `name` is only said in errors.

    Raises:
        StorageError: the bytes are cut short or changed.
    """
    body, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise StorageError(f"{name} is damaged: its checksum does not fit; delete it to begin the run again.")
    state: dict[str, Any] = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
    return state

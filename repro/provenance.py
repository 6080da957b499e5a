"""Where a number was computed: versions, commit, threads and machine."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import torch

from repro import __version__
from repro.machine import cpu_name


@cache
def provenance() -> dict[str, str | int]:
    """The columns that every row of evidence carries; `commit` is empty outside a git checkout."""
    return {
        "package_version": __version__,
        "commit": _commit(),
        "torch_version": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": cpu_name(),
    }


def _commit() -> str:
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()

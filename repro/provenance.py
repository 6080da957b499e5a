"""Where a number was computed: versions, commit, threads and machine."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import torch

from repro import __version__
from repro.machine import computer_name


@cache
def provenance() -> dict[str, str | int]:
    """The columns that every row of evidence carries; `commit` is empty outside the project's checkout."""
    return {
        "package_version": __version__,
        "commit": _commit(),
        "torch_version": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": computer_name(),
    }


def _commit() -> str:
    """The commit of the checkout this package stands in, with `+dirty` where its files differ from it."""
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")
        changed = _git("status", "--porcelain", "--", ".")
        return _git("rev-parse", "--short=12", "HEAD") + ("+dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()

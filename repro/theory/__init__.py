"""What the batch-size papers derive, as identities that are checked; each module here is a family of them."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from repro.theory.identity import Identity


@cache
def identities() -> dict[str, Identity[...]]:
    """Every identity of every family, under its id, in order of the families' names."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    members: list[Any] = [member for module in modules for member in vars(module).values()]
    return {member.id: member for member in members if isinstance(member, Identity)}

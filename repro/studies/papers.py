"""Where the papers' folders are, and which of them have a study."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from repro.errors import UsageError


def papers_folder() -> Path:
    """`papers/` of the checkout that this package or the working directory belongs to.

    Raises:
        UsageError: there is none.
    """
    for base in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if any((base / "papers").glob("*/paper.toml")):
            return base / "papers"
    raise UsageError(f"no papers/ folder in {Path.cwd()} or above it; work in a checkout of the project.")


def keys() -> list[str]:
    """The keys of all papers, sorted."""
    return sorted(path.parent.name for path in papers_folder().glob("*/paper.toml"))


def check_key(key: str) -> str:
    """`key`, where a paper has it.

    Raises:
        UsageError: no paper has this key.
    """
    if key not in keys():
        raise UsageError(f"paper={key!r} must be one of {', '.join(keys())}.")
    return key


def study(key: str) -> ModuleType:
    """The module `repro.studies.<key>`, with `Setting` and `samples(setting)`.

    Raises:
        UsageError: no paper has this key, or the paper has no study.
    """
    name = f"repro.studies.{check_key(key)}"
    if importlib.util.find_spec(name) is None:
        raise UsageError(
            f"paper={key!r} has no study; write {name.replace('.', '/')}.py, as docs/how-to/add-a-paper.md says."
        )
    return importlib.import_module(name)

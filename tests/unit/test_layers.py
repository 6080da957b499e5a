"""Imports point down the house only, and no layer knows the files or pages of a higher one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import repro

HOUSE = [
    {"cli"},
    {"report"},
    {"studies"},
    {"claims", "runs"},
    {"theory"},
    {"measure"},
    {"train"},
    {"nets", "data"},
    {"streams", "errors", "atomic", "machine", "provenance"},
]
FLOOR = {part: len(HOUSE) - height for height, parts in enumerate(HOUSE) for part in parts}
GROUND = HOUSE[-1]
NEVER = {("measure", "train")}
"""A measurement serves any model, however it was trained."""
LOWEST_USER = {"pyarrow": "runs", "matplotlib": "report"}
"""Files of results are known from `runs` up, pages and figures from `report` up."""


def imported(source: str) -> set[str]:
    """Dotted names that `source` imports anywhere, functions and type-checking blocks included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def part_of(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").parts[0]


def violation(part: str, name: str) -> str | None:
    """Why a module of `part` must not import `name`, or `None` where it may."""
    top, *rest = name.split(".")
    if top == "":
        return f"{part} imports {name} relatively"
    if top in LOWEST_USER and FLOOR[part] < FLOOR[LOWEST_USER[top]]:
        return f"{part} imports {top}"
    if top != "repro" or not rest or rest[0] == "__version__" or rest[0] == part:
        return None
    if rest[0] not in FLOOR:
        return f"{part} imports {name}, which has no place in the house"
    below = FLOOR[rest[0]] < FLOOR[part] or {part, rest[0]} <= GROUND
    if below and (part, rest[0]) not in NEVER:
        return None
    return f"{part} imports {rest[0]}"


def violations(root: Path) -> set[str]:
    """Everything in the package at `root` that breaks the import order."""
    found = set()
    for path in root.rglob("*.py"):
        part = part_of(path, root)
        if part == "__init__":
            found |= {f"the package itself imports {name}" for name in imported(path.read_text())} - {
                "the package itself imports __future__.annotations"
            }
        elif part not in FLOOR:
            found.add(f"{part} has no place in the house")
        else:
            found |= {why for name in imported(path.read_text()) if (why := violation(part, name))}
    return found


def test_imports_point_down_the_house_only() -> None:
    root = Path(repro.__file__).parent
    assert len(list(root.rglob("*.py"))) > 20
    assert violations(root) == set()


@pytest.mark.parametrize(
    ("place", "source", "why"),
    [
        ("measure/sharpness.py", "from repro.train.loop import Training", "measure imports train"),
        ("train/loop.py", "def f():\n    import repro.measure", "train imports measure"),
        ("nets/resnet.py", "from repro import data", "nets imports data"),
        ("claims/verdict.py", "from repro.runs import store", "claims imports runs"),
        ("streams.py", "import repro.data.idx", "streams imports data"),
        ("data/cifar.py", "if TYPE_CHECKING:\n    import pyarrow.parquet", "data imports pyarrow"),
        ("studies/article.py", "from matplotlib import pyplot", "studies imports matplotlib"),
        ("runs/store.py", "from ..report import pages", "runs imports ..report.pages relatively"),
        ("helpers.py", "", "helpers has no place in the house"),
        ("cli.py", "import repro.helpers", "cli imports repro.helpers, which has no place in the house"),
        ("__init__.py", "import repro.measure", "the package itself imports repro.measure"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, place: str, source: str, why: str) -> None:
    write(tmp_path / place, source)
    assert violations(tmp_path) == {why}


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("cli.py", "from repro import __version__, report"),
        ("report/pages.py", "import matplotlib, pyarrow, repro.data"),
        ("measure/objective.py", "from repro.nets import build\nfrom repro.measure.flat import flatten"),
        ("atomic.py", "from repro.errors import StorageError"),
        ("runs/evidence.py", "import pyarrow.parquet"),
    ],
)
def test_an_import_that_points_down_is_let_pass(tmp_path: Path, place: str, source: str) -> None:
    write(tmp_path / place, source)
    assert violations(tmp_path) == set()


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"from __future__ import annotations\n{source}\n")

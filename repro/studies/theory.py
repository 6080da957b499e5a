"""What the property tests say of every identity of `repro.theory`: run, kept as a file, and read again."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from repro.atomic import write_json
from repro.errors import DataError, ReproError, UsageError
from repro.provenance import provenance
from repro.studies.papers import papers_folder
from repro.theory import identities

Verdict = Literal["holds", "fails", "not run"]
Profile = Literal["quick", "long"]

_SETTINGS = "tests/conftest.py"
HYPOTHESIS = {"quick": "local", "long": "theory"}
"""The profile of hypothesis, in `_SETTINGS`, behind each of ours."""


@dataclass(frozen=True)
class Checked:
    """One identity and what its tests said.

    Attributes:
        id, title, statement, source, premises, without_control: as in `repro.theory.identity.Identity`.
        test, control: the tests within and outside the premises, as pytest names them, one a line.
        status: `holds` if all of them passed.
        stale: whether the tests, or the code they reach, have changed since.
    """

    id: str
    title: str
    statement: str
    source: str
    premises: str
    without_control: str
    test: str
    control: str
    status: Verdict
    stale: bool = False


@dataclass
class _Listener:
    """A pytest plugin that hears which tests belong to which identity, and how they ended."""

    tests: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    outcomes: dict[str, bool] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        for item in items:
            for kind in ("holds", "breaks"):
                for mark in item.iter_markers(kind):
                    self.tests.setdefault((mark.args[0].id, kind), []).append(item.nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or not report.passed:
            passed = report.passed and self.outcomes.get(report.nodeid, True)
            self.outcomes[report.nodeid] = passed


def check(profile: Profile = "long", workers: int = 2) -> list[Checked]:
    """Run the property tests of all identities and write the table.

    Args:
        profile: `quick`, at most 100 examples each, or `long`, 500; a test of which one takes long says fewer.
        workers: processes at once, each with some of the tests.

    Raises:
        UsageError: there is no checkout with tests, or pytest is not installed.
        ReproError: the tests could not be run to the end; no table is written.
    """
    listener, said = _Listener(), StringIO()
    with redirect_stdout(said):
        collected = _listen(listener, ["--collect-only"])  # in what follows only the workers collect
    if collected != 0:
        raise ReproError(f"{said.getvalue()}The tests cannot be collected. The table stays as it was.")
    ended = _listen(listener, ["--hypothesis-profile", HYPOTHESIS[profile], "--numprocesses", str(workers)])
    if ended not in (0, 1):  # passed, or some tests failed
        raise ReproError(f"pytest ended with {ended}; its output above says why. The table stays as it was.")
    rows = _rows(listener)
    root = _checkout()
    facts = {"profile": profile, **provenance(), "digests": _digests(root)}
    write_json(_table(root), {**facts, "identities": [asdict(row) for row in rows]})
    return rows


def declared() -> list[Checked]:
    """The identities with their tests, none of them run."""
    listener = _Listener()
    _listen(listener, ["--collect-only"])
    return _rows(listener)


def read(checkout: Path | None = None) -> list[Checked]:
    """The table as it was last written; an identity that is not in it has not been run.

    Args:
        checkout: by default the one around the package or the working directory.

    Raises:
        DataError: the table is damaged.
    """
    root = checkout or _checkout()
    try:
        content = json.loads(_table(root).read_text())
        kept = {row["id"]: Checked(**row) for row in content["identities"]}
        before = content["digests"]
    except FileNotFoundError:
        kept, before = {}, {}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{_table(root)} is no table of identities ({error}); write it again by `repro theory`."
        ) from error
    rows = [kept.get(id_, _row(id_, _Listener())) for id_ in identities()]
    now = _digests(root)
    return [replace(row, stale=row.id in before and before[row.id] != now[row.id]) for row in rows]


def as_json(rows: list[Checked]) -> list[dict[str, Any]]:
    """The columns for machines."""
    keys = ("id", "title", "source", "test", "control", "status", "stale")
    return [{key: asdict(row)[key] for key in keys} for row in rows]


def _rows(listener: _Listener) -> list[Checked]:
    return [_row(id_, listener) for id_ in identities()]


def _row(id_: str, listener: _Listener) -> Checked:
    known = identities()[id_]
    tests, controls = (listener.tests.get((id_, kind), []) for kind in ("holds", "breaks"))
    outcomes = [listener.outcomes.get(name) for name in [*tests, *controls]]
    ran = bool(tests) and all(outcome is not None for outcome in outcomes)
    status: Verdict = "not run" if not ran else "holds" if all(outcomes) else "fails"
    return Checked(
        *(known.id, known.title, known.statement, known.source, known.premises, known.without_control),
        test="\n".join(tests),
        control="\n".join(controls),
        status=status,
    )


def _listen(listener: _Listener, options: list[str]) -> int:
    try:
        import pytest
    except ImportError as error:
        raise UsageError("the identities are checked by pytest, which is not installed; run `make theory`.") from error
    folder = _checkout() / "tests" / "theory"
    if not folder.is_dir():
        raise UsageError(f"{folder} is not there; run the theory checks in a checkout of the project.")
    given = [str(folder), "--rootdir", str(_checkout()), "-q", "-p", "no:cacheprovider", *options]
    return int(pytest.main(given, [listener]))


def _checkout() -> Path:
    return papers_folder().parent


def _table(root: Path) -> Path:
    return root / "papers" / "theory" / "results" / "identities.json"


def _digests(root: Path) -> dict[str, str]:
    """For every identity a digest of the files that name it as tested, of their settings, and of all they import."""
    imports = cache(partial(_imported, root))
    digest = cache(partial(_digest, root, imports))
    settings = {path for path in (root / _SETTINGS,) if path.is_file()}
    texts = {path: path.read_text() for path in (root / "tests" / "theory").glob("test_*.py")}
    return {
        id_: digest(frozenset(settings | {path for path, text in texts.items() if f"({id_})" in text}))
        for id_ in identities()
    }


def _digest(root: Path, imports: Callable[[Path], frozenset[Path]], files: frozenset[Path]) -> str:
    reached: frozenset[Path] = frozenset()
    while files:
        reached |= files
        files = frozenset(found for file in files for found in imports(file)) - reached
    content = hashlib.sha256()
    for file in sorted(reached):
        content.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return content.hexdigest()


def _imported(root: Path, file: Path) -> frozenset[Path]:
    """The files of this package that a file imports, wherever in it."""
    names = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    paths = [root.joinpath(*name.split(".")) for name in names]
    places = [place for path in paths for place in (path.with_suffix(".py"), path / "__init__.py")]
    return frozenset(place for place in places if place.is_file())

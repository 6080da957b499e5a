"""`repro theory`: the table is what the tests said, and is stale once the code they reach has changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli import main
from repro.errors import DataError
from repro.studies import theory
from repro.studies.papers import papers_folder

FAMILY = """from __future__ import annotations

import pytest

from repro.theory import momentum


@pytest.mark.holds(momentum.impulse_response)
def test_one() -> None:
    assert {within}


@pytest.mark.breaks(momentum.impulse_response)
def test_other() -> None:
    assert True
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one family's tests, which say yes."""
    (tmp_path / "papers" / "some").mkdir(parents=True)
    (tmp_path / "papers" / "some" / "paper.toml").touch()
    root = papers_folder().parent
    for folder in ("theory", "train", "measure", "nets"):
        shutil.copytree(root / "repro" / folder, tmp_path / "repro" / folder)
    shutil.copy(root / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "theory").mkdir(parents=True)
    shutil.copy(root / "tests" / "conftest.py", tmp_path / "tests")
    monkeypatch.chdir(tmp_path)
    write(tmp_path, within=True)
    return tmp_path


def write(root: Path, within: bool) -> None:
    (root / "tests" / "theory" / "test_momentum.py").write_text(FAMILY.format(within=within))


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Python of its own: pytest inside of pytest would share its modules and settings."""
    script = f"import sys; sys.path[:] = [place for place in sys.path if place]; {code}"
    environment = os.environ | {"PYTHONPATH": str(papers_root())}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)


def papers_root() -> Path:
    return Path(theory.__file__).parents[2]


def checked() -> int:
    """`repro theory` with few examples; its exit code."""
    return run("from repro.cli import main; sys.exit(main(['theory', '--profile', 'quick']))").returncode


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["theory", "--json"]) == 0
    return {row["id"]: row for row in json.loads(capsys.readouterr().out)}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """The project's own identities with their tests."""
    code = "from repro.studies.theory import *; rows = declared(); print('\\n' + json.dumps([asdict(r) for r in rows]))"
    return json.loads(run(code).stdout.splitlines()[-1])


def test_every_identity_has_a_test_and_a_control_or_a_reason(rows: list[dict[str, str]]) -> None:
    assert len(rows) > 80
    assert [row["id"] for row in rows if not row["test"]] == []
    assert [row["id"] for row in rows if not row["control"] and not row["without_control"]] == []


def test_the_files_that_decide_whether_a_row_is_stale_hold_all_its_tests(rows: list[dict[str, str]]) -> None:
    text = {path.name: path.read_text() for path in (papers_root() / "tests" / "theory").glob("test_*.py")}
    for row in rows:
        for test in [*row["test"].splitlines(), *row["control"].splitlines()]:
            assert f"({row['id']})" in text[Path(test.partition("::")[0]).name], test


@pytest.mark.usefixtures("checkout")
def test_before_any_run_nothing_is_said_to_hold(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys)
    assert {row["status"] for row in rows.values()} == {"not run"}
    assert set(rows["minibatch.unbiased"]) == {"id", "title", "source", "test", "control", "status", "stale"}


@pytest.mark.usefixtures("checkout")
def test_what_ran_holds_and_what_has_no_test_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked() == 1  # the other identities have no test here
    rows = printed(capsys)
    assert rows["momentum.impulse_response"]["status"] == "holds"
    assert rows["momentum.impulse_response"]["test"] == "tests/theory/test_momentum.py::test_one"
    assert rows["momentum.impulse_response"]["control"] == "tests/theory/test_momentum.py::test_other"
    assert rows["minibatch.unbiased"]["status"] == "not run"


def test_a_test_that_fails_is_a_row_that_fails(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(checkout, within=False)
    assert checked() == 1
    assert printed(capsys)["momentum.impulse_response"]["status"] == "fails"


def test_tests_that_cannot_be_run_leave_the_table_as_it_was(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked()
    (checkout / "tests" / "theory" / "test_momentum.py").write_text("from nowhere import nothing")
    assert checked() == 1
    row = printed(capsys)["momentum.impulse_response"]
    assert (row["status"], row["stale"]) == ("holds", True)


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("tests/theory/test_more.py", True),
        ("repro/theory/momentum.py", True),
        ("tests/theory/test_momentum.py", True),
        ("tests/conftest.py", True),
        ("repro/theory/clipping.py", False),
    ],
)
def test_a_row_is_stale_once_code_that_its_tests_reach_has_changed(
    checkout: Path, capsys: pytest.CaptureFixture[str], file: str, stale: bool
) -> None:
    assert checked() == 1
    assert not printed(capsys)["momentum.impulse_response"]["stale"]
    with (checkout / file).open("a") as opened:
        opened.write("# changed: @pytest.mark.holds(momentum.impulse_response)\n")
    assert printed(capsys)["momentum.impulse_response"]["stale"] is stale


def test_a_damaged_table_is_an_error_that_names_it(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = checkout / "papers" / "theory" / "results" / "identities.json"
    table.parent.mkdir(parents=True)
    table.write_text('{"identities": [{}]}')
    assert main(["theory", "--json"]) == 1
    assert "identities.json is no table" in capsys.readouterr().err
    with pytest.raises(DataError):
        theory.read()


def test_without_tests_the_way_out_is_said(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(checkout / "tests" / "theory")
    assert main(["theory"]) == 2
    assert "checkout" in capsys.readouterr().err

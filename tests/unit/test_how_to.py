"""Every snippet of the how-to pages works: Python is run and TOML is loaded; so is a line of shell that trains nothing,
and what the others call parses them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

from repro import cli
from repro.claims import ledger
from repro.cli import main
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest, carry_out
from repro.train.regime import constant
from repro.train.spec import RunSpec

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
SHELL = [
    (path.name, line)
    for path in (*PAGES, ROOT / "README.md")
    for language, _, text in FENCE.findall(path.read_text())
    if language == "sh"
    for line in text.splitlines()
]
DEVICE = re.compile(r"^REPRO_DEVICE=(cpu|cuda(:\d)?) ")
MAKE = sorted({line for _, line in SHELL if DEVICE.sub("", line).startswith("make")})
REPRO = sorted({line for _, line in SHELL if DEVICE.sub("", line).removeprefix(".venv/bin/").startswith("repro")})
MISSING = {"claims keskar2017 --profile paper": "repro reproduce", "data verify mnist": "repro data get mnist"}
"""What looks at something that is not here, and the command that it names."""
LOOKS = sorted(
    {
        " ".join(words)
        for words in (shlex.split(DEVICE.sub("", line), comments=True)[1:] for line in REPRO)
        if words[0] in ("claims", "runs", "sharpness", "spectrum", "theory")
        or words in (["data", "list"], ["report", "--check"])
        or "--dry-run" in words
    }
    - {*MISSING, "claims example2020"}
)
PYTEST = [line for _, line in SHELL if line.startswith(".venv/bin/python -m pytest")]


@pytest.fixture(scope="module")
def folder_of_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where somebody works who has one run, of few updates on a small network."""
    folder = tmp_path_factory.mktemp("work")
    spec = RunSpec("MLP", "mnist-embedded", constant(epochs=1, batch=500, learning_rate=0.1), optimizer="sgd")
    carry_out(RunStore(folder / "runs"), RunRequest(spec))
    return folder


def snippets(page: str, language: str) -> list[tuple[str, str]]:
    """Title and text of every snippet of a language."""
    found = FENCE.findall((ROOT / "docs" / "how-to" / page).read_text())
    return [(title, text) for name, title, text in found if name == language]


def test_every_page_has_snippets_and_every_line_of_shell_is_of_a_kind_that_is_tested() -> None:
    assert all(FENCE.search(path.read_text()) for path in PAGES)
    assert {line for _, line in SHELL} == {*MAKE, *REPRO, *PYTEST}


@pytest.mark.parametrize("line", MAKE)
def test_make_knows_the_target_and_its_variables(line: str) -> None:
    words = shlex.split(DEVICE.sub("", line), comments=True)
    assert {word.partition("=")[0] for word in words if "=" in word} <= {"ONLY", "ROWS", "PROFILE", "WORKERS"}
    done = subprocess.run([*words, "--dry-run", "--silent"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert "=" not in word or word.partition("=")[2] in done.stdout + "primary"


@pytest.mark.parametrize("line", REPRO)
def test_the_command_line_understands_the_command(line: str) -> None:
    cli._parser().parse_args(shlex.split(DEVICE.sub("", line), comments=True)[1:])


@pytest.mark.slow
@pytest.mark.parametrize("line", LOOKS)
def test_what_trains_nothing_runs_as_it_stands(
    line: str, folder_of_a_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder_of_a_run)
    (run,) = (folder_of_a_run / "runs").iterdir()
    assert main(line.replace("KEY", run.name).split()) == 0
    assert capsys.readouterr().out or line == "report --check"


@pytest.mark.parametrize("line", MISSING)
def test_what_looks_at_something_that_is_not_here_says_how_to_get_it(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any(f"repro {line}" in written for written in REPRO)
    for folder in ("REPRO_DATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(folder, str(tmp_path))
    assert main(line.split()) == 1
    assert MISSING[line] in capsys.readouterr().err


@pytest.mark.parametrize("line", PYTEST)
def test_pytest_understands_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)[3:]
    command = [sys.executable, "-m", "pytest", *words, "--collect-only", "tests/unit/test_streams.py"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_the_measurements_run_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    with torch.random.fork_rng():
        for _, text in snippets("measure.md", "python"):
            exec(compile(text, "measure.md", "exec"), names)
    value, _, status = capsys.readouterr().out.splitlines()[0].split()
    assert float(value) > 0
    assert status == "Status.CONVERGED"
    assert names["noise"].trace > 0  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_added_paper_is_reproduced_judged_and_given_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for title, text in (*snippets("add-a-paper.md", "toml"), *snippets("add-a-paper.md", "python")):
        path = tmp_path / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    spec = spec_from_file_location("repro.studies.example2020", tmp_path / "repro/studies/example2020.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    for _, text in snippets("add-a-paper.md", "sh"):
        for line in text.splitlines():
            assert main(shlex.split(line)[1:]) == 0
    (row,) = ledger.read(tmp_path / "papers/example2020/results/quick/ledger.json")
    assert (row.claim, row.n, row.failed, row.diverged) == ("E1", 2, 0, 0)
    assert row.effect is not None
    page = (tmp_path / "docs/results/example2020.md").read_text()
    assert f"**{'✓✗?'[('reproduced', 'contradicted', 'inconclusive').index(row.verdict)]} {row.verdict}**" in page

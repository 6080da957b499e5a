"""Every snippet of the how-to pages works: Python is run, TOML is loaded, and what a shell line calls parses it."""

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
PYTEST = [line for _, line in SHELL if line.startswith(".venv/bin/python -m pytest")]


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

"""What the project's own files say of each other is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import repro

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
PAGES = [ROOT / "README.md", *(path for path in (ROOT / "docs").rglob("*.md") if "results" not in path.parts)]


def applying(requirements: list[Requirement], environment: dict[str, str]) -> list[Requirement]:
    return [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]


def asked_for() -> list[Requirement]:
    project: dict[str, Any] = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        PROJECT["build-system"]["requires"],
    ]
    return [Requirement(line) for requirements in lists for line in requirements]


def canonical(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.13"])
def test_every_package_asked_for_is_pinned_to_one_version_that_will_do(python: str) -> None:
    environment = {"python_version": python}
    pins = applying(PINS, environment)
    pinned = {canonical(pin): str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(pinned) == len(pins)
    for wanted in applying(asked_for(), environment):
        assert wanted.specifier.contains(pinned[canonical(wanted)]), wanted


def test_every_pin_is_one_exact_version() -> None:
    assert all(re.fullmatch(r"==[0-9][0-9.]*", str(pin.specifier)) for pin in PINS)


def test_the_citation_names_this_version() -> None:
    assert f"\nversion: {repro.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\S+)", listed, re.MULTILINE)) == targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_command_on_a_page_has_a_target(page: Path) -> None:
    commands = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    assert commands <= targets()


def test_every_paper_has_its_page_in_the_navigation() -> None:
    listed = set(re.findall(r"results/(\w+)\.md", (ROOT / "mkdocs.yml").read_text())) - {"index"}
    assert listed == {path.parent.name for path in (ROOT / "papers").glob("*/paper.toml")}


def test_the_ci_can_be_run_as_it_is() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def targets() -> set[str]:
    (line,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(line.split())

"""The site as the real commands build it, behind an address of this machine, and a browser to look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.site.chromium import MISSING, executable
from tests.site.server import serving

ROOT = Path(__file__).parents[2]
LEFT = (".*", "__pycache__", "*.egg-info", "build", "runs", "site", "tests")
"""What a build of the site does not need."""
COMMANDS = (("repro.cli", "report"), ("mkdocs", "build", "--strict", "--quiet"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site, made in a copy of the checkout, which stays as it is."""
    copy = tmp_path_factory.mktemp("checkout") / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT))
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(copy)}
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=copy, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    return copy / "site"


@pytest.fixture(scope="session")
def address(built: Path) -> Iterator[str]:
    """Where the built site is served."""
    with serving(built) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """This machine's Chromium, for which no name but this machine's exists; without one the CI fails, others skip."""
    path = executable()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        )
        yield started
        started.close()

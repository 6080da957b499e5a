"""Stopping the scheduler, gently or not, leaves no worker behind and a store to go on from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are counted through /proc"),
]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`repro reproduce` in its own process group, once a run has begun to record; it never comes to its end."""
    command = [sys.executable, "-m", "repro.cli", "reproduce", "keskar2017", "--only", "K10", "--store", str(tmp_path)]
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a background job's children ignore control-C
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heeding
    ) as process:
        try:
            wait_for(lambda: any(tmp_path.glob("*/metrics.jsonl")))
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.1)
    assert condition()  # type: ignore[operator]


def members(group: int) -> list[int]:
    """Live processes of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def test_control_c_ends_with_1_and_ends_the_workers(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the same command goes on from there" in message
    wait_for(lambda: not members(process.pid), 20)


def test_workers_end_when_their_scheduler_is_killed(process: subprocess.Popen[str]) -> None:
    assert len(members(process.pid)) > 1
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not members(process.pid), 20)

"""A contrastive run as a user has it: killed, resumed, and measured."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro.runs.measurements import carry_out as measure
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest, carry_out
from repro.studies.article.representation import RepresentationAt
from repro.studies.minimum import SharpnessAt
from repro.train.objectives import Contrastive
from repro.train.regime import constant
from repro.train.spec import RunSpec

SPEC = RunSpec(
    "Conv4",
    "mnist-embedded-2k",
    constant(2, 250, 0.1, 0.9),
    optimizer="sgd",
    objective=Contrastive("dcl"),
    augmentation="move-erase",
)
KILLED_RUN = """
import json, sys
from pathlib import Path
from repro.runs import worker
from repro.runs.store import RunStore
from repro.train.spec import RunSpec
worker.CHECKPOINT_SECONDS = 0.0
worker.carry_out(RunStore(Path(sys.argv[1])), worker.RunRequest(RunSpec.from_json(json.loads(sys.argv[2]))))
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    store = RunStore(tmp_path_factory.mktemp("whole"))
    status = carry_out(store, RunRequest(SPEC))
    assert status["status"] == "complete", status
    return store


@pytest.mark.slow
def test_a_contrastive_run_killed_and_started_again_ends_with_the_same_bytes(tmp_path: Path, whole: RunStore) -> None:
    store = RunStore(tmp_path)
    metrics = store.folder(SPEC.key).path / "metrics.jsonl"
    process = subprocess.Popen([sys.executable, "-c", KILLED_RUN, str(tmp_path), json.dumps(SPEC.as_json())])
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 9) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert store.folder(SPEC.key).status["status"] == "running"
    assert carry_out(store, RunRequest(SPEC))["status"] == "complete"
    for name in ("spec.json", "metrics.jsonl", "init.safetensors", "final.safetensors"):
        here, there = (each.folder(SPEC.key).path / name for each in (store, whole))
        assert here.read_bytes() == there.read_bytes()


def test_what_was_learnt_without_labels_is_measured_with_them_and_is_the_same_every_time(whole: RunStore) -> None:
    found, again = (measure(whole, RepresentationAt(SPEC)) for _ in range(2))
    assert found["status"] == "ok", found["reason"]
    content = found["content"]
    assert content == again["content"]
    assert 0.5 < content["knn_accuracy"] < 1
    assert 0.5 < content["probe_accuracy"] < 1
    assert 1 / 999 < content["contrastive_accuracy"] < 1


def test_sharpness_of_a_loss_that_was_never_trained_is_refused(whole: RunStore) -> None:
    refused = measure(whole, SharpnessAt(SPEC))
    assert refused["status"] == "failed"
    assert "learnt by contrast: its outputs are no classes" in refused["reason"]

"""Runs as a user has them: killed, resumed, started twice, out of disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from repro.data import Dataset, load
from repro.errors import DataError, StorageError, UsageError
from repro.runs import cost, worker
from repro.runs.engine import LocalEngine, merge
from repro.runs.noise import NoiseProbe
from repro.runs.store import Busy, RunFolder, RunStore
from repro.runs.worker import RunRequest, carry_out
from repro.streams import stream
from repro.train.loop import Diverged, Training
from repro.train.objectives import Proximal
from repro.train.regime import constant
from repro.train.spec import RunSpec, Start

SPEC = RunSpec("F1", "mnist-embedded", constant(2, 600, 1e-3, 0.9), seed=11)
FILES = ("spec.json", "metrics.jsonl", "init.safetensors", "snapshots/10.safetensors", "final.safetensors")
PROBE = NoiseProbe(20, batches=4, epochs=(1, 2))
WANTED = RunRequest(SPEC, frozenset({10}), frozenset({PROBE}))

SLOW_RUN = """
import sys
from pathlib import Path
from repro.runs import worker
from repro.runs.noise import NoiseProbe
from repro.runs.store import RunStore
from repro.train.spec import RunSpec
import json
worker.CHECKPOINT_SECONDS = 0.0
spec = RunSpec.from_json(json.loads(sys.argv[2]))
print("ready", flush=True)
wanted = worker.RunRequest(spec, frozenset({10}), frozenset({NoiseProbe(20, batches=4, epochs=(1, 2))}))
worker.carry_out(RunStore(Path(sys.argv[1])), wanted, wait=True)
"""


def files(folder: RunFolder) -> dict[str, bytes]:
    return {name: (folder.path / name).read_bytes() for name in FILES}


def start(store: RunStore) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", SLOW_RUN, str(store.root), json.dumps(SPEC.as_json())]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    store = RunStore(tmp_path_factory.mktemp("whole"))
    assert carry_out(store, WANTED)["status"] == "complete"
    return store.folder(SPEC.key)


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 7, 15])
def test_a_run_killed_at_any_instant_and_started_again_ends_with_the_same_bytes(
    tmp_path: Path, whole: RunFolder, lines: int
) -> None:
    store = RunStore(tmp_path)
    metrics = store.folder(SPEC.key).path / "metrics.jsonl"
    process = start(store)
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= lines) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert store.folder(SPEC.key).status["status"] in ("new", "running")
    assert carry_out(store, WANTED)["status"] == "complete"
    assert files(store.folder(SPEC.key)) == files(whole)
    assert not list(store.root.rglob(".*"))


@pytest.mark.slow
def test_two_schedulers_on_one_store_run_a_spec_once(tmp_path: Path, whole: RunFolder) -> None:
    store = RunStore(tmp_path)
    processes = [start(store), start(store)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert files(store.folder(SPEC.key)) == files(whole)
    statuses = store.folder(SPEC.key).rows("epoch")
    assert [row["epoch"] for row in statuses] == [1, 2]


def test_a_run_that_another_process_holds_is_busy(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with store.folder(SPEC.key).locked(), pytest.raises(Busy):
        carry_out(store, WANTED)


def test_a_finished_run_is_not_run_again(whole: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_train", lambda *_: pytest.fail("trained again"))
    assert carry_out(RunStore(whole.path.parent), WANTED)["status"] == "complete"


def test_a_snapshot_asked_for_later_is_made_by_running_again_to_the_same_end(tmp_path: Path, whole: RunFolder) -> None:
    store = RunStore(tmp_path)
    carry_out(store, RunRequest(SPEC))
    folder = store.folder(SPEC.key)
    assert not folder.has_weights(10)
    carry_out(store, WANTED)
    assert files(folder) == files(whole)


def test_a_probe_changes_nothing_but_what_it_records(tmp_path: Path, whole: RunFolder) -> None:
    store = RunStore(tmp_path)
    carry_out(store, RunRequest(SPEC, frozenset({10})))
    bare, probed = files(store.folder(SPEC.key)), files(whole)
    lines = [line for line in probed.pop("metrics.jsonl").splitlines() if b'"kind": "noise"' not in line]
    assert lines == bare.pop("metrics.jsonl").splitlines()
    assert bare == probed


def test_a_probe_looks_after_the_updates_and_epochs_it_names(whole: RunFolder) -> None:
    rows = PROBE.rows(whole.rows())
    assert [row["update"] for row in rows] == [1, 10, 20]  # epochs of ten updates
    assert PROBE.cost(SPEC.regime, 6000) == 3 * 4 * 20
    assert all(0 < row["large"] <= row["small"] for row in rows)
    for late in ({}, {1}, {1, 10}, {10, 20}):
        seen = [row for row in whole.rows() if row["kind"] != "noise" or row["update"] in late]
        assert PROBE.missing(seen, SPEC.regime, 6000)
    assert not PROBE.missing(whole.rows(), SPEC.regime, 6000)
    assert not PROBE.missing([], SPEC.regime, 6000)
    for other in ({"batches": 5}, {"batch": 10}, {"epochs": (2,)}):
        assert replace(PROBE, **other).rows(whole.rows()) == []  # type: ignore[arg-type]
    assert replace(PROBE, epochs=(1, 3)).updates(constant(3, 5, 0.1), 600) == [1, 10, 100, 120, 360]


@pytest.mark.parametrize("epochs", [(), (2, 1), (1, 1)])
def test_a_probe_must_name_epochs_that_rise(epochs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must rise, and name at least one"):
        NoiseProbe(20, 4, epochs)


def test_what_a_probe_costs_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "seconds_per_example", lambda *_: 0.5)
    monkeypatch.setattr(cost, "seconds_per_update", lambda *_: 0.0)
    assert cost.run_seconds(WANTED) - cost.run_seconds(RunRequest(SPEC)) == pytest.approx(0.5 * 3 * 4 * 20)


def test_a_small_batch_costs_more_for_as_many_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "seconds_per_example", lambda *_: 0.5)
    monkeypatch.setattr(cost, "seconds_per_update", lambda *_: 7.0)
    small, large = (RunRequest(replace(SPEC, regime=constant(2, batch, 0.1))) for batch in (60, 600))
    assert cost.run_seconds(small) - cost.run_seconds(large) == pytest.approx(7.0 * 2 * (100 - 10))


def test_what_a_probe_records_is_of_the_weights_and_the_draws_that_its_update_names(whole: RunFolder) -> None:
    training = Training(SPEC, load(SPEC.dataset))
    training.model.load_state_dict(whole.weights(10))
    generator = stream(SPEC.seed, "noise scale", 10)
    slopes = []
    for _ in range(4):
        inputs, labels = training.data.train.batch(torch.randint(6000, (20,), generator=generator))
        loss = F.cross_entropy(training.model(inputs), labels)
        grads = torch.autograd.grad(loss, list(training.model.parameters()))
        slopes.append(torch.cat([grad.flatten().double() for grad in grads]))
    (row,) = (row for row in PROBE.rows(whole.rows()) if row["update"] == 10)
    assert row["small"] == pytest.approx(sum(float(slope @ slope) for slope in slopes) / 4, rel=1e-5)
    assert row["large"] == pytest.approx(float((sum(slopes) / 4).square().sum()), rel=1e-5)  # type: ignore[union-attr]


def test_a_run_is_over_for_a_probe_once_it_has_carried_it(tmp_path: Path, whole: RunFolder) -> None:
    store = RunStore(tmp_path)
    carry_out(store, RunRequest(SPEC, frozenset({10})))
    assert not worker.is_over(store.folder(SPEC.key), WANTED)
    carry_out(store, WANTED)
    assert worker.is_over(store.folder(SPEC.key), WANTED)
    assert files(store.folder(SPEC.key)) == files(whole)


def test_a_probe_refuses_a_run_that_minimises_something_else(tmp_path: Path) -> None:
    proximal = replace(SPEC, objective=Proximal())
    status = carry_out(RunStore(tmp_path), RunRequest(proximal, probes=frozenset({PROBE})))
    assert status["status"] == "failed"
    assert "a noise probe needs the cross-entropy" in status["reason"]


def test_a_diverged_run_is_recorded_with_its_update_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(tmp_path)
    wild = replace(SPEC, optimizer="sgd", regime=constant(3, 600, 1e30))
    status = carry_out(store, RunRequest(wild))
    assert status["status"] == "diverged"
    assert f"update {status['updates']}" in status["reason"]
    monkeypatch.setattr(worker, "_train", lambda *_: pytest.fail("trained again"))
    assert carry_out(store, RunRequest(wild))["updates"] == status["updates"]


def test_an_error_becomes_a_failed_run_that_is_tried_again(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    bad = replace(SPEC, network="F9")
    for _ in range(2):
        status = carry_out(store, RunRequest(bad))
        assert status["status"] == "failed"
        assert "network='F9'" in status["reason"]


@pytest.mark.parametrize("cut", [True, False])
def test_data_that_cannot_be_had_or_are_others_say_nothing_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    def wrong(name: str) -> Dataset:
        if not cut:
            raise DataError(f"{name}: no source delivered it")
        whole = load(name)
        return replace(whole, train=whole.train.take(slice(0, 5000)))

    monkeypatch.setattr(worker, "load", wrong)
    store = RunStore(tmp_path)
    message = "5000 training examples; the catalogue says 6000" if cut else "no source delivered it"
    with pytest.raises(DataError, match=message):
        carry_out(store, RunRequest(SPEC))
    assert store.folder(SPEC.key).status == {"status": "new"}


def test_a_damaged_checkpoint_costs_time_but_not_the_result(tmp_path: Path, whole: RunFolder) -> None:
    store = RunStore(tmp_path)
    folder = store.folder(SPEC.key)
    folder.declare(SPEC)
    (folder.path / "state.pt").write_bytes(b"half a checkpoint" * 100)
    (folder.path / "metrics.jsonl").write_bytes(b'{"kind": "epoch", "update": 10}\n{"kind": "ep')
    carry_out(store, WANTED)
    assert files(folder) == files(whole)


def test_a_checkpoint_of_an_earlier_training_is_gone_once_the_run_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: RunFolder
) -> None:
    store, folder = RunStore(tmp_path), RunStore(tmp_path).folder(SPEC.key)
    monkeypatch.setattr(worker, "CHECKPOINT_SECONDS", 0.0)

    def killed_at(update: int, request: RunRequest) -> None:
        advance = Training.advance

        def until(training: Training) -> object:
            return sys.exit("killed") if training.update == update else advance(training)

        with monkeypatch.context() as patched:
            patched.setattr(Training, "advance", until)
            with pytest.raises(SystemExit):
                carry_out(store, request)

    killed_at(15, RunRequest(SPEC))
    assert folder.load_state() is not None
    monkeypatch.setattr(worker, "CHECKPOINT_SECONDS", 100.0)
    killed_at(12, WANTED)  # begins anew, for the snapshot after 10 updates
    assert folder.load_state() is None
    carry_out(store, WANTED)
    assert files(folder) == files(whole)


def test_weights_past_the_end_of_a_later_training_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, folder = RunStore(tmp_path), RunStore(tmp_path).folder(SPEC.key)
    carry_out(store, RunRequest(SPEC, frozenset({3, 10})))

    def diverge(_: Training) -> object:
        raise Diverged(5)

    monkeypatch.setattr(Training, "advance", diverge)
    assert carry_out(store, RunRequest(SPEC, frozenset({4})))["status"] == "diverged"
    assert folder.snapshots == {3}
    with pytest.raises(UsageError, match="kept no such weights"):
        folder.weights()


def test_a_checkpoint_that_does_not_say_how_far_it_came_is_none(tmp_path: Path) -> None:
    folder = RunStore(tmp_path).folder(SPEC.key)
    folder.save_state({"epoch": 1})
    assert folder.load_state() is None
    assert not (folder.path / "state.pt").exists()


def test_a_checkpoint_that_does_not_fit_is_named_and_the_next_call_begins_anew(
    tmp_path: Path, whole: RunFolder
) -> None:
    store = RunStore(tmp_path)
    folder = store.folder(SPEC.key)
    folder.declare(SPEC)
    folder.save_weights(10, {})
    folder.save_state({"update": 10})
    with pytest.raises(StorageError, match=r"does not fit .* and is removed; run the same command again"):
        carry_out(store, RunRequest(SPEC))
    carry_out(store, WANTED)
    assert files(folder) == files(whole)


def test_a_complete_run_is_not_over_from_the_moment_it_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: RunFolder
) -> None:
    store = RunStore(tmp_path)
    carry_out(store, RunRequest(SPEC))
    folder = store.folder(SPEC.key)
    monkeypatch.setattr(RunFolder, "forget_after", lambda *_: sys.exit("killed"))
    with pytest.raises(SystemExit):
        carry_out(store, WANTED)
    monkeypatch.undo()
    assert not worker.is_over(folder, RunRequest(SPEC))
    assert carry_out(store, WANTED)["status"] == "complete"
    assert files(folder) == files(whole)


def test_snapshots_of_an_earlier_training_are_made_again_with_the_run(tmp_path: Path, whole: RunFolder) -> None:
    store = RunStore(tmp_path)
    carry_out(store, RunRequest(SPEC, frozenset({5})))
    folder = store.folder(SPEC.key)
    snapshot = folder.path / "snapshots" / "5.safetensors"
    before = snapshot.read_bytes()
    snapshot.write_bytes(b"of another machine's rounding")
    carry_out(store, WANTED)
    assert folder.snapshots == {5, 10}
    assert snapshot.read_bytes() == before
    assert files(folder) == files(whole)


def test_a_full_disk_is_a_clear_error_and_the_store_stays_intact(
    tmp_path: Path, whole: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(tmp_path)
    real, calls = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        carry_out(store, WANTED)
    monkeypatch.setattr(os, "fsync", real)
    carry_out(store, WANTED)
    assert files(store.folder(SPEC.key)) == files(whole)


@pytest.mark.slow
def test_the_engine_runs_a_parent_before_the_run_that_starts_from_it(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    parent = RunRequest(SPEC, frozenset({10}))
    child = RunRequest(replace(SPEC, start=Start(SPEC.key, 10), regime=constant(1, 600, 1e-3)))
    results = list(LocalEngine(store, 2).execute([child, parent]))
    assert [result.spec for result in results] == [parent.spec, child.spec]
    assert all(result.status["status"] == "complete" for result in results)
    begun = (store.folder(child.spec.key).path / "init.safetensors").read_bytes()
    assert begun == (store.folder(SPEC.key).path / "snapshots" / "10.safetensors").read_bytes()


def test_requests_for_one_run_are_one_run_with_all_their_snapshots_and_probes() -> None:
    probes = frozenset({PROBE}), frozenset({replace(PROBE, batch=2)})
    asked = [RunRequest(SPEC, frozenset({1}), probes[0]), RunRequest(SPEC, frozenset({2}), probes[1]), RunRequest(SPEC)]
    assert merge(asked) == {SPEC.key: RunRequest(SPEC, frozenset({1, 2}), probes[0] | probes[1])}


def test_a_run_is_opened_by_the_beginning_of_its_key(whole: RunFolder) -> None:
    store = RunStore(whole.path.parent)
    assert store.open(SPEC.key[:6]) == whole
    with pytest.raises(UsageError, match="0 runs"):
        store.open("zzz")


def test_weights_that_were_not_kept_are_a_wrong_request_and_damaged_ones_are_not_loaded(
    tmp_path: Path, whole: RunFolder
) -> None:
    with pytest.raises(UsageError, match="update=3"):
        whole.weights(3)
    folder = RunFolder(tmp_path)
    (tmp_path / "final.safetensors").write_bytes((whole.path / "final.safetensors").read_bytes()[:1000])
    with pytest.raises(StorageError, match=r"final\.safetensors is damaged"):
        folder.weights()

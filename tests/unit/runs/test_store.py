"""Files of a run that someone edited, damaged or took away: each is named, with the rule and a way out that works."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import DatasetError, StorageError, UsageError
from repro.runs import worker
from repro.runs.measurements import answer
from repro.runs.measurements import carry_out as measure
from repro.runs.store import RunFolder, RunStore
from repro.runs.worker import RunRequest, carry_out
from repro.studies.minimum import EvaluationAt
from repro.train.regime import constant
from repro.train.spec import RunSpec

SPEC = RunSpec("F1", "mnist-embedded", constant(1, 3000, 1e-3, 0.9))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunStore(tmp_path).folder(SPEC.key)
    folder.declare(SPEC)
    return folder


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", ""),
        ("[1]", r"\[1\] must be an object"),
        ("[]", r"\[\] must be an object"),
        ("null", "None must be an object"),
        ("{}", "status=None must be of type str"),
        ('{"a": 1}', "status=None must be of type str"),
        ('{"status": 1}', "status=1 must be of type str"),
        ('{"status": "complete"}', "updates=None must be of type int"),
    ],
)
def test_a_status_that_is_none_is_refused(folder: RunFolder, content: str, rule: str) -> None:
    (folder.path / "status.json").write_text(content)
    with pytest.raises(StorageError, match=rf"status\.json is damaged \(.*{rule}.*delete {folder.path} to train"):
        _ = folder.status


def test_a_failed_run_has_made_no_updates_to_speak_of(folder: RunFolder) -> None:
    folder.write_status({"status": "failed", "reason": "because"})
    assert folder.status["reason"] == "because"


@pytest.mark.parametrize("content", ["[1]", "{}", "1"])
def test_a_line_of_metrics_that_is_none_is_refused(folder: RunFolder, content: str) -> None:
    (folder.path / "metrics.jsonl").write_text(f"{content}\n")
    with pytest.raises(StorageError, match=r"metrics\.jsonl is damaged .*to train the run again"):
        folder.rows()


@pytest.mark.parametrize("content", ["[1]", "{}", "null", "{"])
def test_a_spec_that_is_none_is_refused(folder: RunFolder, content: str) -> None:
    (folder.path / "spec.json").write_text(content)
    with pytest.raises(StorageError, match=rf"spec\.json is .*delete {folder.path} to train the run again"):
        _ = folder.spec


def test_a_spec_that_was_edited_is_not_taken_for_the_run_of_its_folder(folder: RunFolder) -> None:
    other = replace(SPEC, seed=7)
    (folder.path / "spec.json").write_text(json.dumps(other.as_json()))
    with pytest.raises(StorageError, match=rf"says what the run {other.key} is, not {SPEC.key}; undo the change, or"):
        _ = folder.spec


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"status": "ok", "reason": "", "content": []}'])
def test_a_measurement_that_is_none_is_refused_and_made_again_once_deleted(tmp_path: Path, content: str) -> None:
    store, request = RunStore(tmp_path), EvaluationAt(SPEC)
    measure(store, request)  # fails, for there is no such run, which is an answer
    (path,) = tmp_path.rglob("measurements/*.json")
    path.write_text(content)
    with pytest.raises(StorageError, match=rf"{path} is damaged .*; delete it and run the same command again"):
        answer(store, request)
    path.unlink()
    assert answer(store, request) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [(UsageError("measured=7 is too many."), "measured=7 is too many."), (KeyError("x"), "KeyError: 'x'")],
)
def test_an_error_of_ours_is_told_by_its_message_and_another_with_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    store = RunStore(tmp_path)
    monkeypatch.setattr(EvaluationAt, "measure", fail)
    assert measure(store, EvaluationAt(SPEC))["reason"] == reason
    monkeypatch.setattr(worker, "_train", fail)
    assert carry_out(store, RunRequest(SPEC))["reason"] == reason


@pytest.mark.parametrize("error", [DatasetError, StorageError])
def test_data_that_cannot_be_had_are_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def absent(*_: object) -> None:
        raise error("no source delivered it")

    store, request = RunStore(tmp_path), EvaluationAt(SPEC)
    monkeypatch.setattr(EvaluationAt, "measure", absent)
    with pytest.raises(error, match="no source"):
        measure(store, request)
    assert answer(store, request) is None


@pytest.mark.parametrize("name", ["metrics.jsonl", "state.pt", "final.safetensors", "status.json"])
def test_a_folder_in_a_files_place_is_named(folder: RunFolder, name: str) -> None:
    (folder.path / name).mkdir()
    with pytest.raises(StorageError, match=rf"cannot read {folder.path / name}: Is a directory; it must be a file"):
        _ = folder.rows(), folder.load_state(), folder.weights(), folder.status


def test_weights_gone_from_a_complete_run_are_made_again_as_the_error_says(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = store.folder(SPEC.key)
    carry_out(store, RunRequest(SPEC))
    final = folder.path / "final.safetensors"
    before = final.read_bytes()
    final.unlink()
    with pytest.raises(StorageError, match=rf"{final} is gone from .* complete; delete {folder.path} to train the run"):
        folder.weights()
    shutil.rmtree(folder.path)
    carry_out(store, RunRequest(SPEC))
    assert final.read_bytes() == before


def test_weights_of_a_run_that_is_not_over_were_never_kept(folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="update=None"):
        folder.weights()


def test_a_run_that_lacks_its_last_epoch_is_not_read_as_if_an_earlier_one_were_the_last(folder: RunFolder) -> None:
    folder.append([{"kind": "epoch", "update": update, "epoch": update // 2} for update in (2, 4)])
    folder.write_status({"status": "complete", "updates": 4})
    assert [row["update"] for row in folder.rows("epoch")] == [2, 4]
    (folder.path / "metrics.jsonl").write_text('{"kind": "epoch", "update": 2, "epoch": 1}\n')
    with pytest.raises(StorageError, match=r"metrics\.jsonl lacks the epoch that ended at update 4; delete .*again"):
        folder.rows("distance")
    folder.write_status({"status": "running", "updates": 4})
    assert len(folder.rows()) == 1  # control: it is on its way


def test_a_run_without_its_spec_is_listed_with_the_way_out(folder: RunFolder) -> None:
    folder.write_status({"status": "complete", "updates": 2})
    (folder.path / "spec.json").unlink()
    assert RunStore(folder.path.parent).keys() == [SPEC.key]
    with pytest.raises(StorageError, match=rf"holds no spec\.json; delete {folder.path} to train the run again"):
        _ = folder.spec


def test_weights_that_were_not_kept_are_answered_with_those_that_were(folder: RunFolder) -> None:
    for update in (20, 3):
        folder.save_weights(update, {})
    with pytest.raises(UsageError, match=r"update=7: .* of the updates \[3, 20\], and of its end"):
        folder.weights(7)

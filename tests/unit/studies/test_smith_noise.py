"""The measured noise scale read off made-up rows of a probe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.runs.noise import NoiseProbe
from repro.runs.store import RunFolder
from repro.runs.worker import RunRequest
from repro.studies.noise_scale import noise_scale_of
from repro.studies.papers import papers_folder
from repro.studies.profiles import load_settings
from repro.studies.smith2018 import Setting, samples
from repro.studies.smith2018.noise import probe_of
from repro.studies.study import RunRecord, Sample

(QUICK,) = load_settings(papers_folder() / "smith2018", "quick", Setting)
ENDS = [3, 6, 9, 12, 15, 18, 20, 22, 24, 26, 28, 30]
PROBE = NoiseProbe(16, 256, tuple(ENDS))
NOISY = [sample for sample in samples(QUICK) if sample.quantity.startswith("noise-scale")]


def row(update: int, squared_gradient: float, trace: float, batches: int = 256) -> dict[str, Any]:
    """What a probe would record if its squared lengths came out as expected."""
    lengths = {"small": squared_gradient + trace / 16, "large": squared_gradient + trace / (16 * batches)}
    return {"kind": "noise", "batch": 16, "batches": batches, "epochs": ENDS, "update": update, **lengths}


def test_lengths_are_averaged_before_their_ratio() -> None:
    rows = [row(1, 1.0, 10.0), row(2, 3.0, 90.0)]
    found = noise_scale_of(rows, PROBE, 6000)
    assert found.value == pytest.approx(100 / 4)  # and not the mean of 10 and 30
    assert found.cost == pytest.approx(2 * 4096 / 6000)


def test_an_estimate_of_the_squared_gradient_below_zero_is_a_failure() -> None:
    found = noise_scale_of([row(1, 1.0, 4096.0), row(2, -1.5, 4096.0)], PROBE, 6000)
    assert "squared_gradient=-0.25" in found.failure


def test_without_a_look_there_is_no_value() -> None:
    assert noise_scale_of([], PROBE, 6000).failure


def test_looks_are_three_a_phase_and_as_wide_as_a_ghost() -> None:
    assert probe_of(QUICK) == PROBE
    assert probe_of(replace(QUICK, epochs=4, drops=(1, 2), ghost_size=8)) == NoiseProbe(8, 256, (1, 2, 3, 4))


def read(tmp_path: Path, quantity: str, arm: str, rows: list[dict[str, Any]]) -> list[Any]:
    (sample,) = (s for s in NOISY if (s.quantity, s.arm, s.seed) == (quantity, arm, 0))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = sample.read(RunRecord(RunFolder(tmp_path)))
    return [found] if isinstance(found, tuple) else list(found)


@pytest.mark.parametrize(("arm", "per_epoch"), [("decay", 375), ("increase", 75)])
def test_a_point_is_of_the_looks_since_the_one_before(tmp_path: Path, arm: str, per_epoch: int) -> None:
    looks = {1000: 10.0, 1125: 30.0, 2250: 40.0, 3375: 50.0}
    looks |= {3375 + per_epoch * epochs: 100.0 * epochs for epochs in (3, 6, 9)}
    rows = [row(update, 1.0, trace) for update, trace in looks.items()]
    rows += [row(1, 1.0, 5000.0), row(1125, 1.0, 5000.0, batches=2)]  # in the first epoch; and another probe's
    found = read(tmp_path, "noise-scale", arm, rows)
    assert [each.x for each in found] == ENDS
    assert [each.value for each in found[:6]] == pytest.approx([20.0, 40.0, 50.0, 300.0, 600.0, 900.0])
    phases = read(tmp_path, "noise-scale-phase", arm, rows)
    assert [each.x for each in phases] == [9, 18, 24, 30]
    assert [each.value for each in phases[:2]] == pytest.approx([32.5, 600.0])


def test_the_start_is_the_first_epoch(tmp_path: Path) -> None:
    rows = [row(1, 1.0, 10.0), row(100, 1.0, 30.0), row(1000, 1.0, 80.0)]
    (start,) = read(tmp_path, "noise-scale-start", "decay", rows)
    assert start.value == pytest.approx(20.0)


def requests(sample: Sample) -> list[RunRequest]:
    return [need for need in sample.needs if isinstance(need, RunRequest)]


def test_the_probe_is_as_wide_as_a_ghost_and_leaves_the_keys_of_the_runs_alone() -> None:
    asked = {request.spec.key: request for sample in NOISY for request in requests(sample)}
    assert {request.probes for request in asked.values()} == {frozenset({PROBE})}
    bare = {QUICK.run_of(arm, seed).spec.key for arm in ("decay", "increase") for seed in QUICK.seeds}
    assert set(asked) == bare
    rest = [sample for sample in samples(QUICK) if not sample.quantity.startswith("noise-scale")]
    others = [request for sample in rest for request in requests(sample)]
    assert not any(request.probes for request in others)

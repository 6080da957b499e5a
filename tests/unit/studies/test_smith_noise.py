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
from repro.studies.papers import papers_folder
from repro.studies.profiles import load_settings
from repro.studies.smith2018 import Setting, samples
from repro.studies.smith2018.noise import noise_scale_of, parts
from repro.studies.study import RunRecord, Sample

(QUICK,) = load_settings(papers_folder() / "smith2018", "quick", Setting)
PROBE = NoiseProbe(16)
NOISY = [sample for sample in samples(QUICK) if sample.quantity.startswith("noise-scale")]


def row(update: int, squared_gradient: float, trace: float, batches: int = 64) -> dict[str, Any]:
    """What a probe would record if its squared lengths came out as expected."""
    lengths = {"small": squared_gradient + trace / 16, "large": squared_gradient + trace / (16 * batches)}
    return {"kind": "noise", "batch": 16, "batches": batches, "update": update, **lengths}


def test_lengths_are_averaged_before_their_ratio() -> None:
    rows = [row(1, 1.0, 10.0), row(2, 3.0, 90.0)]
    found = noise_scale_of(rows, PROBE, 6000)
    assert found.value == pytest.approx(100 / 4)  # and not the mean of 10 and 30
    assert found.cost == pytest.approx(2 * 1024 / 6000)


def test_an_estimate_of_the_squared_gradient_below_zero_is_a_failure() -> None:
    found = noise_scale_of([row(1, 1.0, 1024.0), row(2, -1.5, 1024.0)], PROBE, 6000)
    assert "squared_gradient=-0.25" in found.failure


def test_no_part_reaches_over_a_drop() -> None:
    assert parts(QUICK) == [3, 6, 9, 12, 15, 18, 20, 22, 24, 26, 28, 30]
    assert parts(replace(QUICK, epochs=4, drops=(1, 2))) == [1, 2, 3, 4]


def read(tmp_path: Path, quantity: str, arm: str, rows: list[dict[str, Any]]) -> list[Any]:
    (sample,) = (s for s in NOISY if (s.quantity, s.arm, s.seed) == (quantity, arm, 0))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = sample.read(RunRecord(RunFolder(tmp_path)))
    return [found] if isinstance(found, tuple) else list(found)


@pytest.mark.parametrize(("arm", "per_epoch"), [("decay", [375, 375]), ("increase", [375, 75])])
def test_a_point_is_of_the_epochs_since_the_one_before(tmp_path: Path, arm: str, per_epoch: list[int]) -> None:
    first, later = per_epoch
    rows = [row(first * epoch, 1.0, 10.0 * epoch) for epoch in range(1, 10)]
    rows += [row(9 * first + later * epoch, 1.0, 200.0) for epoch in (1, 2, 3)]
    rows += [row(3 * first, 1.0, 5000.0, batches=2)]  # another probe's
    found = read(tmp_path, "noise-scale", arm, [*rows, *fill(arm)])
    assert [(each.x, each.value) for each in found[:4]] == [
        (3.0, pytest.approx(20.0)),
        (6.0, pytest.approx(50.0)),
        (9.0, pytest.approx(80.0)),
        (12.0, pytest.approx(200.0)),
    ]
    assert len(found) == 12


def test_the_start_is_the_first_epoch_and_the_average_the_whole_run(tmp_path: Path) -> None:
    rows = [row(1, 1.0, 10.0), row(375, 1.0, 30.0), row(376, 1.0, 80.0)]
    (start,) = read(tmp_path, "noise-scale-start", "decay", rows)
    (average,) = read(tmp_path, "noise-scale-average", "decay", rows)
    assert (start.value, average.value) == (pytest.approx(20.0), pytest.approx(40.0))


def fill(arm: str) -> list[dict[str, Any]]:
    """Something at the end of every epoch after the twelfth."""
    ends = (QUICK.regimes[arm].updates_until(epoch, 6000) for epoch in range(13, 31))
    return [row(update, 1.0, 1.0) for update in ends]


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

"""The article's batches and rates against hand counts, and numbers read off made-up records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from repro.runs.store import RunFolder
from repro.studies.article import samples
from repro.studies.article.setting import Training
from repro.studies.papers import papers_folder, study
from repro.studies.profiles import load_settings
from repro.studies.study import Reading, RunRecord, Sample

(QUICK,) = (
    setting
    for setting in load_settings(papers_folder() / "article", "quick", study("article").Setting)
    if isinstance(setting, Training)
)


def settings_of(name: str) -> list[tuple[int, int, float]]:
    return [(phase.epochs, phase.batch, phase.learning_rate) for phase in QUICK.regimes[name].phases]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("64", [(30, 64, 0.01)]),
        ("256", [(30, 256, 0.01)]),
        ("1024", [(30, 1024, 0.01)]),
        ("256 sqrt", [(30, 256, 0.02)]),
        ("256 linear", [(30, 256, 0.04)]),
        ("1024 sqrt", [(30, 1024, 0.04)]),
        ("1024 linear", [(30, 1024, 0.16)]),
        ("switched", [(10, 1024, 0.01), (20, 64, 0.01)]),
    ],
)
def test_batches_and_rates_are_the_articles(name: str, expected: list[tuple[int, int, float]]) -> None:
    found = settings_of(name)
    assert [phase[:2] for phase in found] == [phase[:2] for phase in expected]
    assert [phase[2] for phase in found] == pytest.approx([phase[2] for phase in expected])


def test_every_regime_has_as_many_epochs_and_clips_alike() -> None:
    clipped = replace(QUICK, clip=5.0).regimes.values()
    assert {phase.clip for regime in clipped for phase in regime.phases} == {5.0}
    assert {regime.epochs for regime in QUICK.regimes.values()} == {30}


def test_the_grid_of_each_batch_holds_the_rates_of_the_rules_so_that_their_runs_are_shared() -> None:
    for name in ("1024", "1024 sqrt", "1024 linear"):
        assert QUICK.regimes[name] in QUICK.tried(1024)
    assert [regime.phases[0].learning_rate for regime in QUICK.tried(64)] == pytest.approx([0.01, 0.04, 0.16, 0.64])


def record(path: Path, losses: Sequence[float]) -> RunRecord:
    path.mkdir()
    rows = [
        {"kind": "epoch", "epoch": k, "update": k, "test_loss": loss, "test_accuracy": 0.5}
        for k, loss in enumerate(losses, 1)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RunRecord(RunFolder(path))


def sample(claim: str, arm: str, variant: str = "", seed: int = 0) -> Sample:
    (found,) = (
        s for s in samples(QUICK) if (s.claim, s.arm, s.variant, s.seed, s.x) == (claim, arm, variant, seed, None)
    )
    return found


def value(of: Sample, *records: RunRecord) -> float:
    read = of.read(*records)
    assert isinstance(read, Reading)
    return read.value


def test_the_loss_after_the_last_epoch_is_compared_and_for_accuracy_the_percentage(tmp_path: Path) -> None:
    run = record(tmp_path / "run", [2.0, 0.25])
    assert value(sample("A1", "1024"), run) == 0.25
    assert value(sample("A1", "1024", "accuracy"), run) == 50


def test_a_tuned_batch_is_read_at_the_rate_that_was_best_for_the_other_seeds(tmp_path: Path) -> None:
    by_rate = [[19, 1, 1, 1, 1], [0.1, 5, 5, 5, 5], [3, 3, 3, 3, 3], [4, 4, 4, 4, 4]]
    records = [
        record(tmp_path / f"{k}-{seed}", [7.0, loss])
        for k, losses in enumerate(by_rate)
        for seed, loss in enumerate(losses)
    ]
    tuned = [sample("A2", "1024 tuned", "tuned", seed) for seed in QUICK.seeds]
    assert [value(each, *records) for each in tuned] == [19, 3, 3, 3, 3]


def test_each_batch_is_tuned_on_its_own_runs_and_every_seed_on_all_of_them() -> None:
    for arm, batch in (("64 tuned", 64), ("1024 tuned", 1024)):
        needs = sample("A2", arm, "tuned").needs
        assert [each.runs[0].spec.seed for each in needs] == [*QUICK.seeds] * 4
        assert {each.runs[0].spec.regime.phases[0].batch for each in needs} == {batch}


def test_the_switched_run_is_also_held_against_the_small_batchs_share_of_its_epochs(tmp_path: Path) -> None:
    run = record(tmp_path / "run", [float(k) for k in range(1, 31)])
    assert value(sample("A8", "64"), run) == 30
    assert value(sample("A8", "64", "alone"), run) == 20
    assert value(sample("A8", "switched", "alone"), run) == 30

"""Schedules of one noise scale against the published counts, and numbers read off made-up records."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from repro.data import CATALOGUE
from repro.runs.store import RunFolder
from repro.studies.papers import papers_folder
from repro.studies.profiles import load_settings
from repro.studies.smith2018 import Setting, samples
from repro.studies.study import RunRecord
from repro.train.noise_scale import approximate_noise_scale
from repro.train.regime import Phase, Regime

SETTINGS = {
    f"{profile}-{setting.network}": setting
    for profile in ("quick", "laptop", "paper")
    for setting in load_settings(papers_folder() / "smith2018", profile, Setting)
}
IMAGENET = SETTINGS.pop("paper-Inception-ResNet-v2")
QUICK, PAPER = SETTINGS["quick-F1"], SETTINGS["paper-WResNet16-4"]


def per_example(phase: Phase) -> float:
    return approximate_noise_scale(phase, 1)


@pytest.mark.parametrize(
    ("schedule", "updates"),
    [("decay", 78_200), ("hybrid", 34_520), ("increase", 29_240), ("rate", 6_500), ("momentum", 2_360)],
)
def test_on_cifar_every_schedule_has_the_published_number_of_updates(schedule: str, updates: int) -> None:
    assert PAPER.regimes[schedule].updates(50_000) == updates


@pytest.mark.parametrize(
    ("schedule", "updates"),
    # 90 epochs of 157; 30 of 157 and 60 of 16, or of 20; 30 of 40 and 60 of 20
    [("decay", 14_130), ("hybrid", 5_670), ("increase", 5_910), ("momentum", 2_400)],
)
def test_on_imagenet_every_schedule_has_an_update_count_that_fits_the_published(schedule: str, updates: int) -> None:
    assert IMAGENET.regimes[schedule].updates(CATALOGUE["imagenet"].train) == updates


def test_on_imagenet_ghosts_are_small_and_the_noise_scale_is_kept() -> None:
    assert {phase.ghost_size for regime in IMAGENET.regimes.values() for phase in regime.phases} == {32}
    for name in ("hybrid", "increase", "momentum"):
        ends = [[per_example(p) for p in (r.phases[0], r.phases[-1])] for r in (IMAGENET.decay, IMAGENET.regimes[name])]
        assert ends[0] == pytest.approx(ends[1])
    assert list(samples(IMAGENET)) == []


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_every_schedule_but_the_controls_has_one_noise_scale_in_every_epoch(setting: Setting) -> None:
    examples = CATALOGUE[setting.dataset].train

    def scales(regime: Regime) -> list[float]:
        starts = (regime.updates_until(epoch, examples) for epoch in range(regime.epochs))
        return [per_example(regime.at(update, examples).phase) for update in starts]

    wanted = scales(setting.decay)
    assert wanted[0] == pytest.approx(7.8125e-3)
    for name in ("hybrid", "increase", "rate", "momentum"):
        assert scales(setting.regimes[name]) == pytest.approx(wanted)
    assert scales(setting.regimes["constant"]) != pytest.approx(wanted)


def test_the_rate_takes_over_where_the_batch_stops() -> None:
    shown = [(p.batch, p.learning_rate) for p in PAPER.regimes["increase"].phases]
    assert [batch for batch, _ in shown] == [128, 640, 3200, 5120]
    assert [rate for _, rate in shown] == pytest.approx([0.1, 0.1, 0.1, 0.032])
    assert [p.learning_rate for p in PAPER.regimes["rate"].phases] == pytest.approx([0.5, 0.5, 0.16, 0.032])


def test_ghosts_have_one_size_whatever_the_batch() -> None:
    assert {phase.ghost_size for regime in PAPER.regimes.values() for phase in regime.phases} == {128}


def test_without_momentum_the_rate_keeps_the_noise_scale_and_adam_has_its_own() -> None:
    for name in ("decay", "increase"):
        plain = QUICK.under("sgd", name)
        pairs = zip(plain.phases, QUICK.regimes[name].phases, strict=True)
        assert all(per_example(p) == pytest.approx(per_example(q)) and p.momentum == 0 for p, q in pairs)
    assert QUICK.under("adam", "decay").phases[0].learning_rate == pytest.approx(1e-3)
    assert QUICK.under("nesterov", "decay") == QUICK.decay


def test_the_four_optimisers_of_the_paper_are_compared() -> None:
    compared = {s.needs[-1].spec.optimizer for s in samples(QUICK) if s.claim == "S1"}  # type: ignore[union-attr]
    assert compared == {"sgd", "nesterov", "adam"}
    momenta = {s.needs[-1].spec.regime.phases[0].momentum for s in samples(QUICK) if s.variant in ("", "sgd")}  # type: ignore[union-attr]
    assert momenta >= {0.0, 0.9}


def test_every_optimiser_has_its_own_control() -> None:
    controls = [s for s in samples(QUICK) if s.claim == "S8" and s.arm == "constant" and s.seed == 0]
    assert {s.variant: s.needs[0].spec.optimizer for s in controls} == {  # type: ignore[union-attr]
        "": "sgd",
        "sgd": "sgd",
        "nesterov": "nesterov",
        "adam": "adam",
    }
    phases = [s.needs[0].spec.regime.phases for s in controls]  # type: ignore[union-attr]
    assert {(len(each), each[0].batch) for each in phases} == {(1, 16)}


def test_the_control_is_clipped_as_the_schedules_are() -> None:
    assert {regime.phases[0].clip for regime in replace(QUICK, clip=5.0).regimes.values()} == {5.0}


def record(path: Path, accuracies: list[float], per_epoch: int = 10, losses: list[float] | None = None) -> RunRecord:
    path.mkdir()
    rows = [
        {"kind": "epoch", "epoch": k, "update": k * per_epoch, "test_accuracy": a, "train_loss": loss}
        for k, (a, loss) in enumerate(zip(accuracies, losses or accuracies, strict=True), 1)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RunRecord(RunFolder(path))


def read(quantity: str, *records: RunRecord, arm: str = "", variant: str = "") -> float:
    (sample,) = (s for s in samples(QUICK) if (s.quantity, s.arm, s.variant, s.seed) == (quantity, arm, variant, 0))
    value: float = sample.read(*records).value  # type: ignore[union-attr]
    return value


def test_curves_are_compared_only_after_the_schedules_part(tmp_path: Path) -> None:
    early, late = [0.1] * 9, [0.8, 0.9]
    one = record(tmp_path / "one", [*early, *late])
    other = record(tmp_path / "other", [*[0.5] * 9, 0.82, 0.87])
    assert read("curve-gap", one, other) == pytest.approx(3.0)


def test_training_losses_are_compared_by_their_ratio(tmp_path: Path) -> None:
    one = record(tmp_path / "one", [0.5] * 11, losses=[1.0] * 9 + [0.02, 0.01])
    other = record(tmp_path / "other", [0.5] * 11, losses=[5.0] * 9 + [0.02, 0.002])
    assert read("loss-curve-gap", one, other, variant="training-loss") == pytest.approx(math.log10(5))


def test_updates_count_until_the_accuracy_stays_near(tmp_path: Path) -> None:
    decay = record(tmp_path / "decay", [0.5, 0.9, 0.7, 0.897, 0.9])
    assert read("updates", decay, decay, arm="decay") == 40
    assert read("updates", decay, record(tmp_path / "fast", [0.9, 0.9], 3), arm="increase") == 3


def test_a_schedule_that_never_comes_near_is_a_failure(tmp_path: Path) -> None:
    decay, bad = record(tmp_path / "decay", [0.9]), record(tmp_path / "bad", [0.95, 0.5])
    (sample,) = (s for s in samples(QUICK) if (s.quantity, s.arm, s.variant, s.seed) == ("updates", "increase", "", 0))
    assert "did not stay within 0.5 points" in sample.read(decay, bad).failure  # type: ignore[union-attr]


@pytest.mark.parametrize("speed", [0.1, 1.0, 30.0])
def test_seconds_of_a_schedule_are_those_of_its_updates_and_the_saving_is_that_of_any_machine(speed: float) -> None:
    timed = [each for each in samples(QUICK) if (each.quantity, each.variant, each.seed) == ("seconds", "", 0)]
    content = {"batches": [16, 64, 256, 600], "seconds": [[speed * (5e-3 + 7e-5 * b)] * 9 for b in (16, 64, 256, 600)]}
    seconds = {each.arm: each.read(content).value for each in timed}  # type: ignore[union-attr]
    # 9 epochs of 375 updates, 9 of 75, 6 of 15 and 6 of 10; against 30 of 375
    updates = {"increase": 9 * 375 + 9 * 75 + 6 * 15 + 6 * 10, "decay": 30 * 375}
    for arm, count in updates.items():
        assert QUICK.regimes[arm].updates(6000) == count
        assert seconds[arm] == pytest.approx(speed * (5e-3 * count + 7e-5 * 180_000))


def test_updates_are_timed_from_the_smallest_to_the_largest_batch_of_the_schedules() -> None:
    (timed,) = {each.needs[0] for each in samples(QUICK) if (each.quantity, each.seed) == ("seconds", 0)}
    assert timed.batches == (16, 32, 64, 80, 128, 256, 400, 512, 600)  # type: ignore[union-attr]
    assert timed.runs[0].spec.regime.phases[0].ghost_size == 16


def test_without_the_line_every_update_costs_what_its_batch_was_timed_at() -> None:
    timed = [each for each in samples(SETTINGS["laptop-F1"]) if (each.variant, each.seed) == ("timings", 0)]
    # of 60,000 the last batch of 128 has 96, below all that was timed, that of 640 has 480, and that of 3200 has 2400
    content = {"batches": [128, 640, 3200, 6000], "seconds": [[s] * 9 for s in (1.0, 3.0, 7.0, 9.0)]}
    seconds = {each.arm: each.read(content).value for each in timed}  # type: ignore[union-attr]
    assert seconds["decay"] == pytest.approx(30 * 469)
    small, middle, large = 469, 93 * 3 + (1 + 2 * 352 / 512), 18 * 7 + (3 + 4 * 1760 / 2560)
    assert seconds["increase"] == pytest.approx(9 * small + 9 * middle + 6 * large + 6 * 10 * 9)

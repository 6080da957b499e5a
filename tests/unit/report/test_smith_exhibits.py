"""The exhibits of Smith et al. from made evidence: every schedule with its own runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from repro.claims import evidence
from repro.report.exhibit import Exhibit
from repro.report.results import load_results
from repro.report.smith2018 import exhibits
from repro.report.smith2018.curves import OPTIMIZERS
from repro.report.smith2018.schedules import SCHEDULES
from repro.studies.records import CURVES, RUNS

SEEDS = (0, 1)
NAMES = list(SCHEDULES)


def runs() -> Iterator[tuple[str, int, float]]:
    """Every run with its seed and its accuracy after two epochs, percent."""
    for index, name in enumerate(NAMES):
        for seed in SEEDS:
            yield f"{name}{seed}", seed, 90.0 + index + seed


def observations(made: SimpleNamespace) -> Iterator[Any]:
    for index, (name, (claim, row)) in enumerate(SCHEDULES.items()):
        for seed in SEEDS:
            place = {"arm": name, "seed": seed, "variant": row, "spec": f"{name}{seed}"}
            yield made.observation(claim, "test-accuracy", 90.0 + index + seed, **place)
    for arm, updates, noise in (("decay", 900.0, 100.0), ("increase", 300.0, 400.0)):
        for seed in SEEDS:
            run = {"arm": arm, "seed": seed, "spec": f"{arm}{seed}"}
            yield made.observation("S2", "updates", updates, **run)
            yield made.observation("S3", "test-accuracy", 80.0, variant="adam", **run)
            yield made.observation("S9", "seconds", updates / 100, residual=1.0, **run)
            plain = {**run, "spec": f"plain{seed}"}
            yield made.observation("S3", "test-accuracy", 80.0, variant="sgd", **plain)
            yield made.observation("S1", "noise-scale-start", noise, cost=0.5, **run)
            for epoch in (9.0, 18.0, 24.0):
                yield made.observation("S1", "noise-scale-phase", epoch * noise, x=epoch, **run)
            for epoch in (3.0, 6.0):
                yield made.observation("S1", "noise-scale", epoch * noise, x=epoch, cost=0.25 * epoch, **run)
    yield made.lost("S1", "noise-scale", "failed", arm="decay", seed=1, x=9.0, spec="decay1")


def curves() -> Iterator[dict[str, Any]]:
    for spec, _, accuracy in runs():
        for epoch in (1, 30):
            found = {"test_accuracy": accuracy / 100 if epoch > 1 else 0.5, "train_loss": 1 / epoch}
            yield {"spec": spec, "kind": "epoch", "epoch": epoch, "update": 10 * epoch, **found}
        for update in (1, 2, 10, 15, 375, 9000):
            yield {"spec": spec, "kind": "distance", "update": update, "distance": 0.5 * update}
    for seed in SEEDS:
        for update in (1, 2, 10, 15, 375, 9000):
            yield {"spec": f"plain{seed}", "kind": "distance", "update": update, "distance": 0.25 * update}


@pytest.fixture
def shown(clone: Path, made: SimpleNamespace) -> dict[str, Exhibit]:
    """Every exhibit by the first words of its title."""
    folder = clone / "papers" / "smith2018"
    results = folder / "results" / "quick"
    evidence.write(results / "measurements.parquet", list(observations(made)))
    trained = [
        {"spec": spec, "updates": 100 * (1 + NAMES.index(spec[:-1])), "cpu_seconds": 7.0, "machine": "another"}
        for spec, _, _ in runs()
    ]
    made.table(results / "runs.parquet", RUNS, trained)
    made.table(results / "curves.parquet", CURVES, list(curves()))
    (quick,) = [each for each in load_results(folder) if each.profile == "quick"]
    return {exhibit.title.partition(":")[0]: exhibit for exhibit in exhibits(quick)}


def test_every_schedule_has_its_accuracy_and_updates(shown: dict[str, Exhibit]) -> None:
    for index, name in enumerate(SCHEDULES):
        mean = f"{90.5 + index:.2f} ± 0.71"
        row = f"| F1 | mnist-embedded | {name} | {mean} | {100 * (index + 1):,} | 2, 0, 0 |"
        assert row in shown["Schedules"].text
    assert "| WResNet16-4 | CIFAR-10, the paper | momentum | 93.30 | 2,360 | — |" in shown["Schedules"].text


def test_every_schedule_has_its_curve(shown: dict[str, Exhibit]) -> None:
    ((drawn, _),) = shown["Fig. 5"].figures
    assert [line.label for line in drawn.rows[0][0].lines] == NAMES
    assert drawn.rows[0][1].lines[3].seeds["1"] == [(10, 50.0), (300, 94.0)]


def test_the_declared_schedules_are_counted_and_drawn_in_steps(shown: dict[str, Exhibit]) -> None:
    exhibit = shown["Fig. 1"]
    # g = 0.0125 / 0.1 (6000/16 - 1) and 0.0125 / 0.1 · 6000/16; the largest batch of 600 is a tenth
    row = (
        "| increase | 4,200 | 2.68 | 16, 80, 400, 600 | 0.0125, 0.0125, 0.0125, 0.00375 | 0.9 | 46.75 | 46.88 | 10.00 |"
    )
    assert row in exhibit.text
    ((drawn, _),) = exhibit.figures
    rate, batch, scale = drawn.rows[0]
    increase = NAMES.index("increase")
    assert batch.lines[increase].seeds[""][:4] == [(0, 16), (9, 16), (9, 80), (18, 80)]
    assert rate.lines[increase].seeds[""][-1] == (30, pytest.approx(0.00375))
    assert scale.lines[increase].seeds[""][-1] == (30, pytest.approx(0.0375 * (6000 / 600 - 1)))
    assert scale.lines[-1].seeds[""][-1] == (30, pytest.approx(0.0375 * 6000 / 600))


def test_updates_saved_are_a_ratio_of_means(shown: dict[str, Exhibit]) -> None:
    row = "| F1 | mnist-embedded | momentum | 900 | 2, 0, 0 | 300 | 2, 0, 0 | 3.00 |"
    assert row in shown["Updates"].text


def test_curves_are_compared_beside_the_margin_from_the_first_drop_on(shown: dict[str, Exhibit]) -> None:
    ((drawn, caption),) = shown["Fig. 3"].figures
    ((_, gaps),) = drawn.rows  # Nesterov was not run
    band, gap = gaps.lines
    assert (band.band, band.seeds[""]) == (1.0, [(10.0, 0.0), (30.0, 0.0)])
    assert gap.seeds == {"0": [(1, 0.0), (30, pytest.approx(2.0))], "1": [(1, 0.0), (30, pytest.approx(2.0))]}
    assert "momentum: nothing failed or diverged." in caption
    ((adam, _),) = shown["Fig. 4"].figures
    assert [row[0].title for row in adam.rows] == ["F1, mnist-embedded, sgd", "F1, mnist-embedded, adam"]
    assert set(OPTIMIZERS) == {"momentum", "nesterov", "sgd", "adam"}


def test_the_training_loss_is_drawn_against_epochs_and_updates(shown: dict[str, Exhibit]) -> None:
    ((drawn, _),) = shown["Fig. 2"].figures
    assert [panel.lines[2].seeds["0"] for panel in drawn.rows[0]] == [
        [(1, 1.0), (30, 1 / 30)],
        [(10, 1.0), (300, 1 / 30)],
    ]


def test_the_measured_noise_stands_beside_the_batch_and_the_published_numbers(shown: dict[str, Exhibit]) -> None:
    exhibit = shown["Noise"]
    for row in ("1 | 16 | 400.00", "2 to 9 | 16 | 3,600", "10 to 18 | 80 | 7,200", "19 to 24 | 400 | 9,600"):
        assert f"| F1 | mnist-embedded | increase | {row} ± 0.00 | 2, 0, 0 |" in exhibit.text
    assert "| F1 | mnist-embedded | decay | 25 to 30 | 16 | — | — |" in exhibit.text
    assert "A look costs 0.75 gradients of the whole training set." in exhibit.text
    assert "has 50 at the start and 900 on average for another network on MNIST." in exhibit.text
    ((drawn, caption),) = exhibit.figures
    (panel,) = drawn.rows[0]
    assert panel.lines[0].seeds["1"] == [(3.0, 300.0), (6.0, 600.0)]
    assert panel.lines[3].seeds[""][2] == (9, 80)
    assert "decay n 2, 1 failed" in caption


def test_the_updates_that_momentum_loses_are_counted_and_measured(shown: dict[str, Exhibit]) -> None:
    exhibit = shown["Momentum"]
    # epochs of 375 and of 15 updates; at a constant gradient 2.19 of 15 count, and 366 of 375
    row = "| F1 | mnist-embedded | momentum | 0.98 | 400 | 49.00 | 3.27 | 3.33 | 0.04 ± 0.00 (0.15) |"
    assert row in exhibit.text
    assert "not what the formula says, but 0.27 times (F1, momentum) as much" in exhibit.text
    ((drawn, _),) = exhibit.figures
    plain, others = drawn.rows[0]
    assert plain.lines[0].seeds["0"] == [(1, 2.0), (2, 2.0), (10, 2.0), (15, 2.0), (375, 2.0)]
    assert plain.lines[1].seeds[""][0] == (1, pytest.approx(0.1))
    assert [line.label for line in others.lines[2:]] == ["momentum", "momentum, constant gradient"]
    assert others.lines[2].seeds["1"] == [(1, pytest.approx(15 / 375))]
    assert others.lines[3].seeds[""] == [(1, pytest.approx(0.1496, abs=1e-4))]


def test_figures_hold_numbers_that_can_be_written_down(shown: dict[str, Exhibit]) -> None:
    for exhibit in shown.values():
        for figure, _ in exhibit.figures:
            for panel in (panel for row in figure.rows for panel in row):
                json.dumps([line.seeds for line in panel.lines], allow_nan=False)


def test_whole_runs_of_another_machine_are_said_not_to_compare(shown: dict[str, Exhibit]) -> None:
    text = shown["Seconds"].text
    assert "(runs: another; timings: a processor)" in text
    assert "| increase | 3.00 ± 0.00 [1.00] | — | 66.67 ± 0.00 | — | 2, 0, 0 | 7.00 ± 0.00 |" in text

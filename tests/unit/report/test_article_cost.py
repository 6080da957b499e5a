"""The exhibits of cost from made evidence: every number in its place, every failure counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.claims import evidence
from repro.claims.evidence import Observation
from repro.report.article.cost import seconds
from repro.report.article.queue import queue
from repro.report.article.useful_accuracy import useful_accuracy
from repro.report.results import Results, load_results
from repro.report.smith2018 import cost as smith2018

SEEDS = (0, 1)
SERVED = {
    "calls": (2000.0, 400.0),
    "model-seconds": (2.0, 0.5),
    "process-seconds": (3.0, 1.5),
    "median-latency": (0.001, 0.007),
    "late-latency": (0.002, 0.012),
    "timeouts": (0.0, 1.0),
}


def timings(made: SimpleNamespace) -> Iterator[Observation]:
    for seed in SEEDS:
        yield made.observation("A3", "overhead", 5e-3 + 1e-3 * seed, residual=2e-4, seed=seed)
        yield made.observation("A3", "slope", 70e-6, residual=1e-6, seed=seed)
        for quantity, scale in (("half-batch", 1), ("saturated-batch", 10)):
            yield made.observation("A3", quantity, scale * (70.0 + 10 * seed), seed=seed)
        for batch in (4.0, 8.0):
            yield made.observation("A3", "departure", 1.0 if batch == 4 else -7.0, x=batch, seed=seed)
            for quantity in ("seconds-per-example", "line"):
                yield made.observation("A3", quantity, 1e-3 / batch, x=batch, seed=seed)


def served(made: SimpleNamespace) -> Iterator[Observation]:
    for quantity, (alone, queued) in SERVED.items():
        for seed in SEEDS:
            yield made.observation("A4", quantity, alone, arm="alone", seed=seed)
            yield made.observation("A4", quantity, queued * (1 + seed), arm="queued", seed=seed)


def sweep(made: SimpleNamespace) -> Iterator[Observation]:
    for seed in SEEDS:
        for batch, updates in ((64.0, 200.0), (256.0, 80.0)):
            yield made.observation("A9", "updates", updates, x=batch, seed=seed)
            yield made.observation("A9", "seconds", updates / 100, x=batch, seed=seed)
            yield made.observation("A9", "bytes", updates * 1e7, x=batch, seed=seed)
        yield made.observation("A9", "critical-batch", 100.0 + seed, seed=seed)
        yield made.lost("A9", "cheapest-batch", "failed", seed=seed)
        yield made.observation("A9", "noise-batch", 700.0 + seed, seed=seed)
    for quantity in ("updates", "seconds", "bytes"):
        yield made.lost("A9", quantity, "failed", x=1024.0)


@pytest.fixture
def quick(clone: Path, made: SimpleNamespace) -> Results:
    folder = clone / "papers" / "article"
    path = folder / "results" / "quick" / "measurements.parquet"
    evidence.write(path, [*timings(made), *served(made), *sweep(made)])
    return next(each for each in load_results(folder) if each.profile == "quick")


def test_a_line_has_its_numbers_in_their_units_and_the_batch_that_departs_most(quick: Results) -> None:
    exhibit = seconds(quick)
    row = "| update | fp32 | 5.50 ± 0.71 [0.20] | 70.00 ± 0.00 [1.00] | 75.00 ± 7.07 | 750.00 ± 70.71 | -7 % at 8 | 2 |"
    assert f"| F1 | mnist-embedded {row}" in exhibit.text
    assert "| F1 | mnist-embedded | update | bf16 | — | — | — | — | — | 0 |" in exhibit.text


def test_points_are_drawn_in_microseconds_with_the_line_dashed_beside_them(quick: Results) -> None:
    ((figure, _),) = seconds(quick).figures
    update, prediction = figure.rows[0]
    points, line, *_ = update.lines
    assert points.seeds["1"] == [(4.0, pytest.approx(250)), (8.0, pytest.approx(125))]
    assert (line.dashed, line.seeds[""]) == (True, [(4.0, pytest.approx(250)), (8.0, pytest.approx(125))])
    assert not any(each.seeds for each in prediction.lines)


def test_a_queue_is_compared_seed_by_seed_beside_the_published_numbers(quick: Results) -> None:
    text = queue(quick).text
    assert "| calls of the model | 2,000 ± 0.00 | 600.00 ± 282.84 | 0.30 ± 0.14 | 0.20 | 2, 0, 0 |" in text
    assert "| median latency, ms | 1.00 ± 0.00 | 10.50 ± 4.95 | 9.50 ± 4.95 | 5.00 | 2, 0, 0 |" in text
    assert "| requests given up | 0.00 ± 0.00 | 1.50 ± 0.71 | 1.50 ± 0.71 | — | 2, 0, 0 |" in text
    assert "time-outs there stay below 0.01 % of the requests" in text


def test_the_sweep_counts_the_batches_that_never_got_there(quick: Results) -> None:
    exhibit = useful_accuracy(quick)
    assert (
        "| 64 | 200.00 ± 0.00 | 2.00 ± 0.00 | 2.00 ± 0.00 | 2, 0, 0 | 100.50 ± 0.71 | — | 700.50 ± 0.71 |"
        in exhibit.text
    )
    assert "| 1024 | — | — | — | 1, 1, 0 |" in exhibit.text
    ((figure, _),) = exhibit.figures
    marks = [(x, label) for x, label, _ in figure.rows[0][0].marks]
    assert marks == [(100.5, "critical batch, median"), (700.5, "noise batch, median")]
    assert figure.rows[0][1].lines[0].seeds["0"] == [(64.0, 2.0), (256.0, 0.8)]


def test_what_was_not_run_has_no_exhibit(clone: Path) -> None:
    quick = load_results(clone / "papers" / "article")[0]
    for exhibit in (seconds(quick), queue(quick), useful_accuracy(quick)):
        assert not exhibit.used


def test_every_schedule_has_its_seconds_once_and_what_it_saves(clone: Path, made: SimpleNamespace) -> None:
    rows = []
    for seed in SEEDS:
        for row, arm, value in (
            ("", "decay", 50.0),
            ("", "increase", 30.0),
            ("rate", "rate", 20.0),
            ("rate", "decay", 50.0),
        ):
            place = {"arm": arm, "seed": seed, "variant": row}
            rows.append(made.observation("S9", "seconds", value + seed, residual=2.0, **place))
            rows.append(made.observation("S9", "examples-a-second", 1000.0, **place))
        rows.append(made.observation("S9", "seconds", 25.0, arm="increase", seed=seed, variant="timings"))
    folder = clone / "papers" / "smith2018"
    evidence.write(folder / "results" / "quick" / "measurements.parquet", rows)
    text = smith2018.seconds(load_results(folder)[0]).text
    assert text.count("| decay |") == 1
    assert "| increase | 30.50 ± 0.71 [2.00] | 1,000 ± 0.00 | 39.61 ± 0.55 | 25.00 ± 0.00 | 2, 0, 0 | — |" in text
    assert "| rate | 20.50 ± 0.71 [2.00] | 1,000 ± 0.00 | 59.41 ± 0.83 | — | 2, 0, 0 | — |" in text

"""The exhibits of Hoffer et al. from made evidence: every column in its place, every curve its own run's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.claims import evidence
from repro.claims.evidence import Observation
from repro.report.hoffer2017 import exhibits
from repro.report.hoffer2017.columns import COLUMNS
from repro.report.results import Results, load_results
from repro.studies.records import CURVES, RUNS

VALUES = {"SB": 94.0, "LB": 92.0, "+LR": 93.0, "+GBN": 93.5, "+RA": 95.0}


def observations(made: SimpleNamespace) -> Iterator[Observation]:
    for seed in (0, 1):
        for column, value in VALUES.items():
            row = {"arm": column, "seed": seed, "spec": f"{column}{seed}"}
            yield made.observation(COLUMNS[column][0], "test-accuracy", value + seed, **row)
            yield made.observation("H13", "column-sharpness", 2 * value + seed, **row)
            yield made.observation("H13", "column-hessian-top", 3 * value + seed, **row)
        for name, value in (("log-rate", 3.0), ("log-explained", 0.9), ("power-rate", 0.4), ("power-explained", 0.8)):
            yield made.observation("H2", name, value, arm="SB", seed=seed, spec=f"SB{seed}")
            first = {"variant": "first-layer", "arm": "SB", "seed": seed, "spec": f"SB{seed}"}
            yield made.observation("H2", name, value + 1, **first)
        yield made.observation("H8", "alpha", 2.0 + seed, seed=seed)
        for x in (1.0, 3.0):
            yield made.observation("H8", "loss-deviation", x / 10, x=x, seed=seed)
        swept = f"SB{seed} LB{seed}"
        for batch in (32.0, 512.0):
            yield made.observation("H1", "test-accuracy", 90.0, x=batch, variant="trend", seed=seed, spec=swept)
        yield made.observation("H10", "error-change", -1.0, seed=seed, spec=f"SB{seed}")
        for x in (1.0, 10.0):
            yield made.observation("H10", "last-layer-norm", 5.0 + x, x=x, seed=seed, spec=f"SB{seed}")


@pytest.fixture
def results(clone: Path, made: SimpleNamespace) -> Results:
    folder = clone / "papers" / "hoffer2017"
    evidence.write(folder / "results" / "quick" / "measurements.parquet", list(observations(made)))
    keys = [f"{column}{seed}" for column in VALUES for seed in (0, 1)]
    rows = [
        {
            "spec": key,
            "kind": "epoch",
            "epoch": 1,
            "update": 10,
            "train_loss": 9.0,
            "test_loss": 0.5,
            "test_accuracy": a,
        }
        for key in keys
        for a in (0.5 if key.startswith("LB") else 0.75,)
    ]
    rows += [{"spec": key, "kind": "distance", "update": u, "distance": float(u)} for key in keys for u in (3, 1)]
    runs = [{"spec": key, "batch": 32 if key.startswith("SB") else 512} for key in keys]
    for name, schema, table in (("runs", RUNS, runs), ("curves", CURVES, rows)):
        made.table(folder / "results" / "quick" / f"{name}.parquet", schema, table)
    (found,) = [each for each in load_results(folder) if each.profile == "quick"]
    return found


def cells(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if start in line]
    return [cell.strip() for cell in line.strip("|").split("|")][2:]


def test_table_1_has_every_column_beside_the_papers(results: Results) -> None:
    text = exhibits(results)[0].text
    assert cells(text, "| here |") == ["94.50 ± 0.71", "92.50 ± 0.71", "93.50 ± 0.71", "94.00 ± 0.71", "95.50 ± 0.71"]
    assert cells(text, "| 95 % interval |")[:2] == ["88.15 to 100.85", "86.15 to 98.85"]  # t of one degree is 12.706
    assert cells(text, "| paper |") == ["98.27", "97.05", "97.55", "97.60", "98.53"]
    assert cells(text, "share of the gap recovered |") == ["—"] * 5  # H1 shows no gap
    shown = [replace(row, verdict="reproduced") if row.claim == "H1" else row for row in results.ledger]
    text = exhibits(replace(results, ledger=shown))[0].text
    assert cells(text, "share of the gap recovered |") == ["1.00", "0.00", "0.50", "0.75", "1.50"]


def test_each_column_says_how_flat_it_ends(results: Results) -> None:
    lines = exhibits(results)[6].text.splitlines()
    sharp, top = ([line for line in lines if f"| {said} |" in line] for said in ("φ, %", "largest eigenvalue"))
    shown = [[cell.split(" ±")[0].strip() for cell in line[0].split("|")[3:-1]] for line in (sharp, top)]
    assert shown == [[f"{factor * value + 0.5:.2f}" for value in VALUES.values()] for factor in (2, 3)]


def test_table_1_says_at_which_training_loss_each_column_ended(results: Results) -> None:
    last = {f"{column}{seed}": place + seed for place, column in enumerate(VALUES) for seed in (0, 1)}
    epochs = {key: [*rows, {**rows[0], "epoch": 2, "train_loss": last[key]}] for key, rows in results.epochs.items()}
    text = exhibits(replace(results, epochs=epochs))[0].text
    assert cells(text, "| training loss |") == [f"{place}.50 ± 0.71" for place in range(5)]


def test_a_column_that_was_not_run_leaves_the_others_their_share(results: Results) -> None:
    shown = [replace(row, verdict="reproduced") if row.claim == "H1" else row for row in results.ledger]
    begun = tuple(each for each in results.observations if each.claim != "H5")
    text = exhibits(replace(results, ledger=shown, observations=begun))[0].text
    assert cells(text, "share of the gap recovered |") == ["1.00", "0.00", "0.50", "0.75", "—"]


def test_a_sweep_that_was_not_run_leaves_no_empty_axes(results: Results) -> None:
    begun = tuple(each for each in results.observations if each.variant != "trend")
    ((figure, _),) = exhibits(replace(results, observations=begun))[1].figures
    titles = [[panel.title for panel in row] for row in figure.rows]
    assert titles == [["ResNet44, CIFAR-10, the authors'"], ["F1, mnist-embedded"]]


def test_distances_and_errors_are_those_of_each_columns_runs(results: Results) -> None:
    _, _, distances, growth, errors, potential, *_ = exhibits(results)
    ((figure, _),) = distances.figures
    assert [line.label for line in figure.rows[0][1].lines] == ["SB", "+LR", "+GBN", "+RA"]
    assert figure.rows[0][0].lines[0].seeds["1"] == [(1, 1.0), (3, 3.0)]
    ((figure, _),) = errors.figures
    assert figure.rows[0][1].lines[1].seeds["0"] == [(10, 25.0)]
    assert "| SB | 3.00 ± 0.00 | 0.90 ± 0.00 | 0.40 ± 0.00 | 0.80 ± 0.00 |" in growth.text
    assert "| SB, first layer | 4.00 ± 0.00 | 1.90 ± 0.00 | 1.40 ± 0.00 | 1.80 ± 0.00 |" in growth.text
    assert "Twice the slopes: 2.00, 3.00" in potential.figures[0][1]


def test_each_batch_of_the_sweep_has_the_errors_of_its_own_runs(results: Results) -> None:
    ((figure, _),) = exhibits(results)[1].figures
    (final, _), (_, courses) = figure.rows
    assert final.lines[0].seeds["1"] == [(32.0, 10.0), (512.0, 10.0)]
    sweep = courses.lines
    assert [line.label for line in sweep] == ["batch 32", "batch 512"]
    assert [line.seeds["1"] for line in sweep] == [[(1, 25.0)], [(1, 50.0)]]


def test_long_training_is_shown_by_loss_error_and_the_last_layers_norm(results: Results) -> None:
    ((figure, caption),) = exhibits(results)[-1].figures
    assert [panel.lines[0].seeds["0"] for panel in figure.rows[0]] == [[(1, 0.5)], [(1, 25.0)], [(1, 6.0), (10, 15.0)]]
    assert "nothing failed or diverged" in caption


def test_what_was_digitised_stands_beside_ours(results: Results) -> None:
    errors, distances = (exhibit.figures for exhibit in exhibits(results)[1:3])
    ((figure, caption),) = errors
    assert figure.rows[0][1].lines[0].seeds["authors"][0] == (64.0, 6.8)
    assert "digitised from the slides" in caption
    ((figure, caption),) = distances
    own, theirs = figure.rows
    assert [panel.title.rpartition(" ")[2] for panel in (*own, *theirs)] == ["(before)", "(after)"] * 2
    assert [len(panel.lines) for panel in theirs] == [6, 6]
    assert theirs[1].lines[-1].seeds["authors"] == [(1000.0, 4.18), (1900.0, 5.24)]
    assert "first parameter" in caption
    ((_, caption),) = exhibits(results)[4].figures
    assert "end at 7.5 % at batch 128, 7.6 % at batch 2048 +RA, 7.0 % at batch 4096 +RA." in caption


def test_without_the_digitised_numbers_ours_stand_alone(results: Results) -> None:
    shown = exhibits(replace(results, figures={}))
    for exhibit in (*shown[1:3], shown[4]):
        ((figure, caption),) = exhibit.figures
        assert len(figure.rows) == 1
        assert "authors" not in caption


def test_a_profile_without_evidence_has_no_exhibits(clone: Path) -> None:
    (bare,) = [each for each in load_results(clone / "papers" / "hoffer2017") if each.profile == "paper"]
    assert not any(exhibit.used for exhibit in exhibits(bare))

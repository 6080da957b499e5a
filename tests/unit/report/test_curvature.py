"""The Hessian's exhibits: what is in the evidence is in the tables, and predictions are held against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.claims.evidence import Observation
from repro.report.keskar2017.boxes import boxes
from repro.report.keskar2017.curvature import along_training, spectra
from repro.report.results import Results, load_results

BOXES = 1e-6, 1e-5, 1e-4


def minima(made: SimpleNamespace, factors: tuple[float, float, float]) -> Iterator[Observation]:
    """φ is `factors` times the quadratic in the three boxes; its terms grow with seed and arm, each in its own way."""
    for seed in (0, 1, 2):
        for arm, scale in (("SB", 1.0), ("LB", 10.0)):
            row = {"arm": arm, "seed": seed, "spec": f"{arm}{seed}"}
            yield made.observation("K14", "hessian-top", scale * (1 + seed), residual=1e-9, **row)
            yield made.observation("K14", "hessian-trace", 30.0, variant="trace", **row)
            yield made.observation("K14", "hessian-large", 9.0, variant="many", **row)
            yield made.observation("K14", "sharpness-slope", 100.0 * scale, **row)
            yield made.observation("K14", "sharpness-curvature", 4e6 * scale * (1 + seed) ** 2, **row)
            for eps, factor in zip(BOXES, factors, strict=True):
                expanded = 1e4 * scale * (1 + seed) * eps
                yield made.observation("K14", "sharpness-expanded", expanded, x=eps, **row)
                found = factor * expanded * (1 + 1e-6 * seed)  # values that agree exactly have no interval
                yield made.observation("K14", "sharpness", found, x=eps, **row)
            for x, value in ((-1.0, 0.0), (0.0, 0.5), (0.1, 0.5), (1.0, 1e-3), (9.0, 1e-12)):
                yield made.observation("K14", "spectral-density", value, x=x, **row)
            for rank in (1.0, 2.0):
                yield made.observation("K14", "eigenvalue", scale / rank, x=rank, **row)
                yield made.observation("K14", "gradient-overlap", 0.1, x=rank, **row)
            for epoch in (1.0, 3.0):
                for quantity in ("tracked-eigenvalue-1", "tracked-eigenvalue-5", "tracked-trace", "tracked-overlap"):
                    yield made.observation("K14", quantity, scale / epoch, x=epoch, **row)
                yield made.observation("K14", "eigenvalue-at-loss", scale / epoch, x=0.1 / epoch, **row)


def results(clone: Path, made: SimpleNamespace, factors: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Results:
    made.record(clone, minima(made, factors))
    (quick,) = [each for each in load_results(clone / "papers" / "keskar2017") if each.profile == "quick"]
    return quick


def row(text: str, *cells: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("| " + " | ".join(cells) + " |")]
    return line


def test_the_table_of_spectra_has_every_arm(clone: Path, made: SimpleNamespace) -> None:
    exhibit = spectra(results(clone, made))
    assert row(exhibit.text, "F1, mnist-embedded", "LB") == (
        "| F1, mnist-embedded | LB | 20.00 ± 10.00 | 30.00 ± 0.00 | 3, 0, 0 | 9.00 ± 0.00 | 3, 0, 0 |"
    )
    ((figure, caption),) = exhibit.figures
    assert "nothing failed or diverged" in caption
    densities, ranked = figure.rows
    assert [panel.title[-2:] for panel in densities] == ["SB", "LB"]
    assert [x for x, _ in densities[0].lines[0].seeds["0"]] == [0.0, 0.1, 1.0]
    assert densities[0].ticks == [0.0, 0.001, 0.1]
    assert [len(panel.lines) for panel in ranked] == [2, 2]


def test_eigenvalues_on_the_way_are_drawn_against_epoch_and_loss(clone: Path, made: SimpleNamespace) -> None:
    ((figure, caption),) = along_training(results(clone, made)).figures
    (top, at_loss), (_, overlap) = figure.rows
    assert overlap.share
    assert overlap.lines[1].seeds["0"] == [(1.0, 1000.0), (3.0, pytest.approx(1000 / 3))]  # percent
    assert {line.label: line.seeds["0"] for line in top.lines}["LB, largest"] == [(1.0, 10.0), (3.0, 10 / 3)]
    assert at_loss.lines[1].seeds["0"] == [(0.1 / 3, 10 / 3), (0.1, 10.0)]
    assert "1,000 evenly spaced" in caption


def test_phi_is_divided_by_each_of_its_predictions(clone: Path, made: SimpleNamespace) -> None:
    text = boxes(results(clone, made, (3.0, 3.0, 3.0))).text
    # seeds 0, 1, 2 with 6^(1/3) as the geometric mean of 1, 2, 3: over slope 3 x 1e4 / 100 times it, over λ₁ by it
    cells = row(text, "F1, mnist-embedded", "SB", "1e-05", "3").split(" | ")
    assert [cell.split()[0] for cell in cells[4:]] == ["545.14", "412.74", "3.00"]


def test_the_order_of_the_arms_is_told_for_every_box(clone: Path, made: SimpleNamespace) -> None:
    text = boxes(results(clone, made)).text
    assert "F1: seeds in which LB is sharper than SB: 3 of 3 at ε 1e-06, 3 of 3 at ε 1e-05, 3 of 3 at ε 0.0001." in text


def test_where_the_quadratic_holds_it_is_not_said_to_break(clone: Path, made: SimpleNamespace) -> None:
    assert boxes(results(clone, made, (1.0, 1.5, 1.9))).text.count("is not shown to break") == 2


def test_the_box_in_which_the_quadratic_breaks_is_named(clone: Path, made: SimpleNamespace) -> None:
    assert boxes(results(clone, made, (1.0, 1.5, 3.0))).text.count("breaks between 1e-05 and 0.0001") == 2
    assert boxes(results(clone, made, (0.4, 1.0, 1.0))).text.count("breaks between 0 and 1e-06") == 2


def test_the_slope_over_minima_is_that_of_the_powers_built_in(clone: Path, made: SimpleNamespace) -> None:
    cells = row(boxes(results(clone, made)).text, "F1, mnist-embedded", "1e-06", "6").strip("| ").split(" | ")
    # φ ∝ scale (1 + seed), the λ₁ term ∝ scale (1 + seed)², λ₁ ∝ scale (1 + seed)
    assert [cell.split()[0] for cell in cells[3:]][1:] == ["0.50", "1.00", "1.00"]
    assert 0.5 < float(cells[3].split()[0]) < 1
    assert "1.00 [1.00, 1.00], R² 1.00" in cells[5]


@pytest.mark.parametrize("exhibit", [spectra, along_training, boxes])
def test_without_evidence_there_is_nothing(exhibit, clone: Path, made: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    made.record(clone, made.everything())
    (quick,) = [each for each in load_results(clone / "papers" / "keskar2017") if each.profile == "quick"]
    assert exhibit(quick).used == []
    assert exhibit(quick).text == ""

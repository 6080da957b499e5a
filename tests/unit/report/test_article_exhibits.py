"""The article's exhibits from made evidence: losses, joined verdicts, and gains beside the published ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from repro.claims import evidence
from repro.claims.evidence import Observation
from repro.report.article import contrastive, training
from repro.report.article.generalisation import generalisation
from repro.report.results import Results, load_results
from repro.studies.records import CURVES

MLP = {"network": "MLP", "dataset": "mnist-embedded"}
CONV = {"network": "Conv4", "dataset": "mnist-embedded-2k"}


def quick(clone: Path, made: SimpleNamespace, rows: Iterable[Observation], curves: list[dict[str, Any]]) -> Results:
    folder = clone / "papers" / "article"
    evidence.write(folder / "results" / "quick" / "measurements.parquet", list(rows))
    made.table(folder / "results" / "quick" / "curves.parquet", CURVES, curves)
    (found,) = [each for each in load_results(folder) if each.profile == "quick"]
    return found


def test_every_batch_has_its_loss_and_its_curve_at_every_rate(clone: Path, made: SimpleNamespace) -> None:
    rows = []
    places = {(claim, row, arm) for arm, (claim, row) in (*training.EVERY.items(), *training.SWITCH.items())}
    losses = {place: 0.5 + index for index, place in enumerate(sorted(places))}
    for (claim, row, arm), loss in losses.items():
        for seed in (0, 1):
            run = {"arm": arm, "variant": row, "seed": seed, "spec": f"{arm}{seed}", **MLP}
            rows.append(made.observation(claim, "test-loss", loss + seed, **run))
    keys = {row.spec for row in rows}
    curves = [{"spec": key, "kind": "epoch", "epoch": 1, "update": 7, "test_loss": 0.25} for key in sorted(keys)]
    results = quick(clone, made, rows, curves)
    table = training.table(results)
    for arm, (claim, row) in training.EVERY.items():
        mean = losses[claim, row, arm] + 0.5
        assert f"| MLP | mnist-embedded | {arm} | {mean:.2f} ± 0.71 | 2, 0, 0 |" in table.text
    ((drawn, _),) = training.losses(results).figures
    assert [[line.label for line in panel.lines] for panel in drawn.rows[0]] == [["64", "256", "1024"]] * 3
    assert drawn.rows[0][2].lines[1].seeds == {"0": [(1, 0.25)], "1": [(1, 0.25)]}
    ((drawn, _),) = training.switch(results).figures
    assert [line.label for line in drawn.rows[0][0].lines] == ["64", "1024", "switched"]


def test_generalisation_shows_the_verdicts_of_the_papers_it_comes_from(checkout: Path) -> None:
    (results,) = [each for each in load_results(checkout / "papers" / "article") if each.profile == "quick"]
    keskar, hoffer = generalisation(results)
    lines = [line for line in keskar.text.splitlines() if line.startswith("| [K")]
    assert [line.partition(") ")[0] + ")" for line in lines] == ["| [K1](keskar2017.md#k1)", "| [K3](keskar2017.md#k3)"]
    assert "reproduced" in lines[0]
    assert "contradicted" in lines[1]
    assert "repro reproduce keskar2017 --profile quick --only K1 K3" in keskar.as_markdown(results)
    assert not hoffer.used


def test_gains_stand_beside_those_of_simclr(clone: Path, made: SimpleNamespace) -> None:
    rows = [
        made.observation("A5", "probe-accuracy", value + seed, arm=arm, variant="long sqrt", seed=seed, **CONV)
        for seed in (0, 1)
        for arm, value in (("small", 80.0), ("large", 83.0))
    ]
    points = [
        made.observation("A5", "knn-accuracy", batch / 10, variant="dcl", x=batch, seed=0, **CONV)
        for batch in (32.0, 256.0)
    ]
    results = quick(clone, made, [*rows, *points], [])
    text = contrastive.table(results).text
    assert "| Conv4 | mnist-embedded-2k | many epochs | sqrt | 80.50 ± 0.71 | 83.50 ± 0.71 | 3.00 | 2, 0, 0 |" in text
    assert "| ResNet50 | ImageNet | SimCLR Table B.1, 100 epochs | linear | 57.50 | 64.80 | 7.30 | 1 |" in text
    assert "| ResNet50 | ImageNet | SimCLR Table B.1, 800 epochs | sqrt | 66.50 | 69.10 | 2.60 | 1 |" in text
    ((drawn, _),) = contrastive.figure(results).figures
    assert [panel.title for panel in drawn.rows[1]] == ["few epochs", "many epochs"]
    assert drawn.rows[1][0].lines[2].seeds == {"0": [(32.0, 3.2), (256.0, 25.6)]}
    assert drawn.rows[1][0].ticks == [32.0, 256.0]

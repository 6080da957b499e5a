"""The exhibits of Smith et al. from made evidence: every schedule with its own runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from repro.claims import evidence
from repro.report.results import load_results
from repro.report.smith2018 import exhibits
from repro.report.smith2018.schedules import SCHEDULES
from repro.studies.records import CURVES, RUNS


def test_every_schedule_has_its_accuracy_updates_and_curve(clone: Path, made: SimpleNamespace) -> None:
    folder, rows, runs, curves = clone / "papers" / "smith2018", [], [], []
    for index, (name, (claim, row)) in enumerate(SCHEDULES.items()):
        for seed in (0, 1):
            place = {"arm": name, "seed": seed, "variant": row, "spec": f"{name}{seed}"}
            rows.append(made.observation(claim, "test-accuracy", 90.0 + index + seed, **place))
            runs.append({"spec": f"{name}{seed}", "updates": 100 * (index + 1)})
            curves.append({"spec": f"{name}{seed}", "kind": "epoch", "epoch": 1, "update": 7, "test_accuracy": 0.5})
    evidence.write(folder / "results" / "quick" / "measurements.parquet", rows)
    for file, schema, table in (("runs", RUNS, runs), ("curves", CURVES, curves)):
        made.table(folder / "results" / "quick" / f"{file}.parquet", schema, table)
    (quick,) = [each for each in load_results(folder) if each.profile == "quick"]
    table_, figure, _ = exhibits(quick)
    for index, name in enumerate(SCHEDULES):
        mean = f"{90.5 + index:.2f} ± 0.71"
        assert f"| F1 | mnist-embedded | {name} | {mean} | 2, 0, 0 | {100 * (index + 1)}.00 ± 0.00 | — |" in table_.text
    ((drawn, _),) = figure.figures
    assert [line.label for line in drawn.rows[0][0].lines] == list(SCHEDULES)
    assert drawn.rows[0][1].lines[3].seeds["1"] == [(7, 50.0)]

"""Fig. 2 from made evidence: where its lines end is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from repro.claims import evidence
from repro.report.keskar2017.accuracy import figure_2
from repro.report.results import load_results
from repro.studies.records import CURVES, RUNS


def test_the_caption_counts_the_runs_that_stopped_before_the_last_epoch_of_the_profile(
    clone: Path, made: SimpleNamespace
) -> None:
    folder = clone / "papers" / "keskar2017" / "results" / "quick"
    ends = {"SB0": 30, "SB1": 12, "LB0": 30, "LB1": 30}
    rows = [
        made.observation("K1", "test-accuracy", 95.0, arm=key[:2], seed=int(key[2]), spec=key, network="F1")
        for key in ends
    ]
    evidence.write(folder / "measurements.parquet", rows)
    curves = [
        {"spec": key, "kind": "epoch", "epoch": k, "update": k, "train_accuracy": 0.5, "test_accuracy": 0.5}
        for key, end in ends.items()
        for k in range(1, end + 1)
    ]
    made.table(folder / "curves.parquet", CURVES, curves)
    made.table(folder / "runs.parquet", RUNS, [{"spec": key} for key in ends])
    (results,) = [each for each in load_results(folder.parent.parent) if each.profile == "quick"]
    ((_, caption),) = figure_2(results).figures
    assert "1 of 2 SB runs, 0 of 2 LB runs stopped before epoch 30" in caption

"""The five columns against hand counts, and numbers read off made-up records."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.data import CATALOGUE
from repro.nets import log_grid
from repro.runs.store import RunFolder, RunStore
from repro.studies.hoffer2017 import Setting, samples
from repro.studies.papers import papers_folder
from repro.studies.profiles import load_settings
from repro.studies.reproduce import Plan, carry_out
from repro.studies.study import RunRecord, Sample

QUICK, LAPTOP, PAPER = (
    load_settings(papers_folder() / "hoffer2017", profile, Setting)[0] for profile in ("quick", "laptop", "paper")
)


def test_each_column_changes_one_thing_of_the_one_before() -> None:
    first = {name: regime.phases[0] for name, regime in PAPER.columns.items()}
    shown = {
        name: (p.epochs, p.batch, round(p.learning_rate, 6), p.momentum, p.ghost_size, p.clip)
        for name, p in first.items()
    }
    assert shown == {
        "SB": (10, 128, 0.1, 0.9, None, 5.0),
        "LB": (10, 4096, 0.1, 0.9, None, 5.0),
        "+LR": (10, 4096, 0.565685, 0.9, None, 5.0),
        "+GBN": (10, 4096, 0.565685, 0.9, 128, 5.0),
        "+RA": (320, 4096, 0.565685, 0.9, 128, 5.0),
    }


@pytest.mark.parametrize(
    ("setting", "updates"),
    [
        (PAPER, {"SB": 50 * 469, "LB": 50 * 15, "+LR": 50 * 15, "+GBN": 50 * 15, "+RA": 50 * 32 * 15}),
        (QUICK, {"SB": 15 * 188, "LB": 15 * 12, "+LR": 15 * 12, "+GBN": 15 * 12, "+RA": 15 * 16 * 12}),
    ],
)
def test_the_updates_of_every_column_are_those_counted_by_hand(setting: Setting, updates: dict[str, int]) -> None:
    examples = CATALOGUE[setting.dataset].train
    assert {name: regime.updates(examples) for name, regime in setting.columns.items()} == updates


def test_the_learning_rate_drops_at_the_released_epochs() -> None:
    phases = PAPER.small.phases
    assert [phase.epochs for phase in phases] == [10, 10, 10, 20]
    assert [phase.learning_rate for phase in phases] == pytest.approx([0.1, 0.01, 0.001, 1e-4])


def test_the_rate_of_c1_rises_first_as_in_the_released_code() -> None:
    (c1,) = (s for s in load_settings(papers_folder() / "hoffer2017", "paper", Setting) if s.network == "C1")
    assert [(p.epochs, p.learning_rate, p.momentum) for p in c1.small.phases] == [
        (60, 0.001, 0.0),
        (60, 0.01, 0.0),
        (60, 0.001, 0.0),
        (20, 0.0001, 0.0),
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"large_batch": 500}, "large_batch=500 must be a multiple of small_batch=32"),
        ({"drops": (3, 20)}, "drops=\\[3, 20\\] must rise and lie between 0 and epochs=15"),
        ({"drops": (6, 3)}, "must rise"),
        ({"rates": (0.1,)}, "rates=\\[0.1\\] must be as many as drops"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(QUICK, **changes)


ARMS = {
    ("H1", "", "SB"): "SB",
    ("H1", "", "LB"): "LB",
    ("H3", "", "LB"): "LB",
    ("H3", "", "+LR"): "+LR",
    ("H4", "", "+LR"): "+LR",
    ("H4", "", "+GBN"): "+GBN",
    ("H4", "together", "+GBN"): "+GBN",
    ("H4", "together", "LB"): "LB",
    ("H5", "", "SB"): "SB",
    ("H5", "", "+RA"): "+RA",
    ("H5", "equal-updates", "SB"): "SB",
    ("H5", "equal-updates", "+RA"): "equal updates",
    ("H6", "", "before"): "LB",
    ("H6", "", "after"): "+RA",
    ("H6", "collapse", ""): "+RA",
    ("H7", "", ""): "+RA",
    ("H9", "", "noise"): "noise",
    ("H9", "", "+LR"): "+LR",
    ("H11", "", "reset"): "reset",
    ("H11", "", "LB"): "LB",
    ("H11", "accuracy", "reset"): "reset",
    ("H11", "accuracy", "LB"): "LB",
    **{("H13", "", column): column for column in ("SB", "LB", "+LR", "+GBN", "+RA")},
    ("H13", "hessian", "+RA"): "+RA",
    ("H13", "hessian", "LB"): "LB",
}
"""Claim, row and arm, and the regime whose run it is read from: the last of what it needs."""


@pytest.mark.parametrize("place", ARMS, ids=" ".join)
def test_every_arm_is_read_from_the_regime_it_is_named_for(place: tuple[str, str, str]) -> None:
    found = [s for s in samples(QUICK) if (s.claim, s.variant, s.arm, s.seed) == (*place, 1)]
    assert found
    for sample in found:
        assert sample.needs[-1].runs[-1].spec.regime == QUICK.regimes[ARMS[place]]


def test_matched_by_updates_every_phase_is_within_an_epoch() -> None:
    matched = QUICK.regimes["equal updates"]
    assert [phase.epochs for phase in matched.phases] == [47, 47, 47, 94]
    assert all(
        0 <= p.epochs * 12 - s.epochs * 188 < 12 for p, s in zip(matched.phases, QUICK.small.phases, strict=True)
    )


def test_noise_and_reset_change_nothing_else_of_the_large_batch() -> None:
    large = QUICK.columns["LB"]
    for changed, field, value in (
        (QUICK.regimes["noise"], "noise", math.sqrt(15)),
        (QUICK.regimes["reset"], "forgetful", True),
    ):
        for before, after in zip(large.phases, changed.phases, strict=True):
            differing = {name for name in vars(before) if vars(before)[name] != vars(after)[name]}
            assert differing == {field}
            assert getattr(after, field) == value


def test_all_columns_of_a_seed_differ_in_the_regime_alone() -> None:
    forms = [QUICK.run(regime, 2).spec.as_json() for regime in QUICK.columns.values()]
    for form in forms:
        form.pop("regime")
    assert forms == [forms[0]] * 5
    assert forms[0]["weight_decay"] == 1e-4


def record(path: Path, rows: list[dict[str, Any]]) -> RunRecord:
    path.mkdir()
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RunRecord(RunFolder(path))


def epoch(number: int, update: int, accuracy: float, loss: float = 1.0) -> dict[str, Any]:
    found = {"test_accuracy": accuracy, "test_loss": loss}
    return {"kind": "epoch", "epoch": number, "update": update, "train_loss": 0.1, "train_accuracy": 1.0, **found}


def walk(updates: range, distance: Any) -> list[dict[str, Any]]:
    return [{"kind": "distance", "update": t, "distance": distance(t)} for t in updates]


def read(quantity: str, *records: RunRecord, arm: str = "", variant: str = "") -> float:
    found = [s for s in samples(QUICK) if (s.quantity, s.arm, s.variant, s.seed) == (quantity, arm, variant, 0)]
    (sample,) = (s for s in found if s.claim != "H1" or s.x is None)
    assert len(sample.needs) == len(records)
    value: float = sample.read(*records).value  # type: ignore[union-attr]
    return value


def test_a_logarithm_is_preferred_by_a_positive_difference(tmp_path: Path) -> None:
    log = record(tmp_path / "log", walk(range(1, 600), lambda t: 2 + 3 * math.log(t)))
    root = record(tmp_path / "root", walk(range(1, 600), lambda t: 3 * t**0.5))
    assert read("aic-difference", log) > 2
    assert read("aic-difference", root) < -2
    assert read("log-rate", log, arm="SB") == pytest.approx(3)
    assert read("power-rate", root, arm="SB") == pytest.approx(0.5)


def test_less_than_a_decade_of_updates_is_no_fit(tmp_path: Path) -> None:
    run = record(tmp_path / "run", walk(range(1, 181), math.log1p))
    (sample,) = (s for s in samples(QUICK) if (s.quantity, s.variant, s.seed) == ("aic-difference", "LB", 0))
    assert "10 to 36 updates are less than a decade" in sample.read(run).failure  # type: ignore[union-attr]


def test_the_ends_of_epochs_do_not_weigh_in_the_fit(tmp_path: Path) -> None:
    grid = [t for t in log_grid(2820, 20) if t >= 1]
    rows = [{"kind": "distance", "update": t, "distance": math.log(t)} for t in grid]
    ends = [{"kind": "distance", "update": 188 * k, "distance": 99.0} for k in range(1, 15)]
    assert read("log-rate", record(tmp_path / "run", rows + ends), arm="SB") == pytest.approx(1)


def test_fits_end_with_the_first_drop_and_leave_out_the_first_updates(tmp_path: Path) -> None:
    def kinked(t: int) -> float:
        return 100.0 if t < 10 or t > 3 * 188 else math.log(t)

    assert read("log-rate", record(tmp_path / "run", walk(range(1, 2820), kinked)), arm="SB") == pytest.approx(1)


def test_the_row_of_the_first_layer_leaves_the_others_out(tmp_path: Path) -> None:
    rows = walk(range(1, 2820), math.sqrt)
    for row in rows:
        row["modules"] = {"0": 2 * math.log(row["update"]), "1": row["distance"]}
    run = record(tmp_path / "run", rows)
    assert read("log-rate", run, arm="SB", variant="first-layer") == pytest.approx(2)
    assert read("aic-difference", run, variant="first-layer") > 2
    assert read("aic-difference", run) < -2


def test_the_gap_of_distances_is_the_mean_logarithm_of_their_ratio(tmp_path: Path) -> None:
    small = record(tmp_path / "small", walk(range(1, 100), math.log1p))
    shorter = record(tmp_path / "large", walk(range(1, 37), lambda t: math.log1p(t) / 2))
    assert read("distance-gap", small, shorter, arm="before") == pytest.approx(math.log(2))
    assert read("distance-gap", small, small, arm="after") == 0


def test_a_rate_that_drops_before_distances_count_leaves_no_gap_to_read(tmp_path: Path) -> None:
    early = replace(QUICK, large_batch=2048)
    (sample,) = (s for s in samples(early) if (s.claim, s.arm, s.variant, s.seed) == ("H6", "before", "", 0))
    run = record(tmp_path / "run", walk(range(1, 100), math.log1p))
    assert "drops after 9 updates" in sample.read(run, run).failure  # type: ignore[union-attr]


def test_errors_are_compared_at_the_small_batchs_updates(tmp_path: Path) -> None:
    small = record(tmp_path / "small", [epoch(k, 10 * k, 0.5 + 0.1 * (k > 4)) for k in range(1, 7)])
    adapted = record(tmp_path / "adapted", [epoch(k, 4 * k, 0.55) for k in range(1, 16)])
    assert read("error-difference", small, adapted) == pytest.approx(5.0)  # 60 % against 55 % in the last third


def test_a_long_run_is_read_from_its_lowest_test_loss(tmp_path: Path) -> None:
    losses, accuracies = [0.9, 0.5, 0.3, 0.4, 0.6], [0.6, 0.7, 0.8, 0.85, 0.9]
    rows = [epoch(k + 1, k + 1, accuracies[k], losses[k]) for k in range(5)]
    run = record(tmp_path / "long", rows)
    assert read("error-change", run) == pytest.approx(-10)
    assert read("loss-change", run, variant="loss") == pytest.approx(0.3)


def test_the_lowest_part_of_a_long_run_is_as_long_as_its_end(tmp_path: Path) -> None:
    losses = [1.0] * 5 + [0.1] + [1.0] * 4 + [0.5] * 2 + [0.6] * 8  # one lucky epoch is no part of two
    run = record(tmp_path / "long", [epoch(k + 1, k + 1, 0.5, loss) for k, loss in enumerate(losses)])
    assert read("loss-change", run, variant="loss") == pytest.approx(0.1)


def test_the_best_of_the_grid_is_taken_for_each_seed(tmp_path: Path) -> None:
    runs = [record(tmp_path / str(k), [epoch(1, 1, accuracy)]) for k, accuracy in enumerate((0.7, 0.9, 0.8))]
    assert read("best-accuracy", *runs, arm="SB") == pytest.approx(90)
    assert read("accuracy-difference", runs[1], runs[0], variant="at-least") == pytest.approx(20)


def test_the_grid_has_the_columns_own_runs_in_it() -> None:
    def keys(claim: str, arm: str) -> set[str]:
        chosen: list[Sample] = [
            s for s in samples(QUICK) if (s.claim, s.arm, s.seed) == (claim, arm, 0) and not s.variant
        ]
        return {run.spec.key for s in chosen for need in s.needs for run in need.runs}

    assert keys("H5", "+RA") < keys("H12", "+RA")
    assert keys("H1", "SB") < keys("H12", "SB")


@pytest.mark.parametrize("paper", ["hoffer2017", "smith2018"])
def test_a_data_set_that_no_run_needs_is_not_asked_for(paper: str, tmp_path: Path) -> None:
    """ImageNet, which cannot be had: its schedules are counted, and not run."""
    plan = Plan(paper, "paper")
    unneeded = Plan(paper, "paper", networks=tuple(s.network for s in plan.settings if not s.claims))
    assert {place.dataset for place in unneeded.samples} == {"imagenet"}
    carry_out(unneeded, RunStore(tmp_path), 1)

"""The study as data: what it would run meets what the claims declare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro.data import CATALOGUE
from repro.errors import DataError, UsageError
from repro.runs.worker import RunRequest
from repro.studies.keskar2017 import Setting, samples
from repro.studies.observing import needs_of
from repro.studies.papers import papers_folder
from repro.studies.profiles import load_settings

FOLDER = papers_folder() / "keskar2017"
SETTINGS = [s for profile in ("quick", "laptop", "paper") for s in load_settings(FOLDER, profile, Setting)]


def name(setting: Setting) -> str:
    return f"{setting.profile}-{setting.network}"


@pytest.mark.parametrize("setting", SETTINGS, ids=name)
def test_the_declared_batches_are_those_of_the_paper_or_keep_its_ratio(setting: Setting) -> None:
    examples = CATALOGUE[setting.dataset].train
    assert setting.large_batch == pytest.approx(0.1 * examples, rel=1e-3)
    assert setting.small_batch == 256 or 15 < setting.large_batch / setting.small_batch < 30


def test_both_arms_of_a_seed_differ_in_the_batch_alone() -> None:
    setting = SETTINGS[0]
    small, large = (setting.minimum(arm, 1).as_json() for arm in ("SB", "LB"))
    phases = [form["regime"].pop("phases")[0] for form in (small, large)]
    assert small == large
    assert [phase.pop("batch") for phase in phases] == [25, 600]
    assert phases[0] == phases[1]


def test_digits_are_never_flipped() -> None:
    for setting in SETTINGS:
        runs, _ = needs_of(samples(replace(setting, claims=("K11",))))
        flips = {run.spec.augmentation for run in runs} - {"none"}
        assert flips == ({"keskar2017-no-flip"} if "mnist" in setting.dataset else {"keskar2017"})


def test_a_warm_start_asks_for_the_snapshot_it_begins_from() -> None:
    runs, _ = needs_of(s for s in samples(SETTINGS[0]) if s.claim == "K8")
    kept = {(run.spec.key, update) for run in runs for update in run.snapshots}
    starts = {(run.spec.start.run, run.spec.start.update) for run in runs if run.spec.start}
    assert starts
    assert starts <= kept


def test_rows_of_equal_updates_need_no_further_run() -> None:
    runs, measured = needs_of(s for s in samples(SETTINGS[0]) if s.claim == "K10")
    pair = {RunRequest(SETTINGS[0].minimum(arm, seed)) for arm in ("SB", "LB") for seed in SETTINGS[0].seeds}
    assert set(runs) == pair
    assert measured == []


@pytest.mark.parametrize(("claim", "name"), [("K7", "sweep_batches"), ("K8", "warm_epochs"), ("K9", "track_epochs")])
def test_a_claim_that_compares_places_needs_two_of_them(claim: str, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}=\[1\] must be two or more for {claim}"):
        replace(SETTINGS[0], claims=(claim,), **{name: (1,)})
    assert replace(SETTINGS[0], claims=("K1",), **{name: ()}).claims == ("K1",)


def test_a_sweep_on_one_side_of_the_threshold_has_one_arm() -> None:
    setting = replace(SETTINGS[0], claims=("K7",), sweep_batches=(2000, 3000))
    assert {sample.arm for sample in samples(setting) if sample.variant == "threshold"} == {"above"}


def test_a_snapshot_without_a_finite_loss_is_a_failure_and_no_point_of_the_curve() -> None:
    curve, slope = (
        next(s for s in samples(replace(SETTINGS[0], claims=("K9",))) if s.quantity == quantity).read
        for quantity in ("sharpness", "sharpness-slope")
    )
    found = {"failure": "", "value": 3.0, "residual": None, "cost": 20.0, "loss": 0.5, "maximum": 0.6}
    lost = found | {"failure": "f(x) is not finite", "value": None, "loss": None}
    assert [point.x for point in curve(found, lost, lost)] == [0.5]
    assert slope(found, lost, found).failure == "f(x) is not finite"


def test_an_unknown_profile_or_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="profile='fast' must be one of quick, laptop, paper"):
        load_settings(FOLDER, "fast", Setting)
    (tmp_path / "profiles.toml").write_text('[quick.F1]\ndataset = "mnist"\nlarge_batch = 6\nclaims = []\nepoch = 3\n')
    with pytest.raises(DataError, match="epoch"):
        load_settings(tmp_path, "quick", Setting)
    (tmp_path / "profiles.toml").write_text("[quick]\nseeds = [0]\n")
    with pytest.raises(DataError, match=r"\['seeds'\] must stand in a network's table, as in \[quick.F1\]"):
        load_settings(tmp_path, "quick", Setting)

"""Which encoders are compared, at which rates, and what is read off what was measured of them."""

from __future__ import annotations

import pytest

from repro.data import CATALOGUE
from repro.studies.article import samples
from repro.studies.article.contrastive import row
from repro.studies.article.representation import RepresentationAt
from repro.studies.article.setting import WAYS, Contrastive
from repro.studies.papers import papers_folder, study
from repro.studies.profiles import load_settings
from repro.studies.study import Reading, Sample
from repro.train import objectives

SETTINGS = {
    profile: setting
    for profile in ("quick", "laptop", "paper")
    for setting in load_settings(papers_folder() / "article", profile, study("article").Setting)
    if isinstance(setting, Contrastive)
}
QUICK = SETTINGS["quick"]


def rate(batch: int, way: str) -> float:
    return QUICK.run(batch, 5, way, 0).spec.regime.phases[0].learning_rate


def test_the_rules_agree_at_the_large_batch_and_go_down_from_there() -> None:
    assert QUICK.run(256, 5, "linear", 0).spec == QUICK.run(256, 5, "sqrt", 0).spec
    assert rate(256, "linear") == 0.1
    assert rate(32, "linear") == pytest.approx(0.1 / 8)
    assert rate(32, "sqrt") == pytest.approx(0.1 / 8**0.5)


def test_the_decoupled_loss_changes_nothing_but_the_loss() -> None:
    plain, decoupled = (QUICK.run(32, 5, way, 0).spec for way in ("linear", "dcl"))
    assert decoupled.regime == plain.regime
    assert (plain.objective, decoupled.objective) == (objectives.Contrastive("nt-xent"), objectives.Contrastive("dcl"))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_the_last_batch_of_an_epoch_has_at_least_a_sixth_of_the_others_images(setting: Contrastive) -> None:
    for batch in setting.batches:
        assert (CATALOGUE[setting.dataset].train % batch or batch) >= batch / 6


def test_every_way_has_a_row_of_its_own() -> None:
    rows = {(length, way): row(length, way) for length in ("short", "long") for way in WAYS}
    assert rows["short", "linear"] == ""
    assert rows["long", "dcl"] == "long dcl"
    assert len(set(rows.values())) == len(rows) == 6


def sample(claim: str, arm: str, variant: str, quantity: str) -> Sample:
    wanted = (claim, arm, variant, quantity, 0, None)
    (found,) = (s for s in samples(QUICK) if (s.claim, s.arm, s.variant, s.quantity, s.seed, s.x) == wanted)
    return found


def specs(of: Sample) -> list[tuple[int, int, str]]:
    """Batch, epochs and loss of what a sample measures."""
    found = []
    for need in of.needs:
        assert isinstance(need, RepresentationAt)
        phase, objective = need.spec.regime.phases[0], need.spec.objective
        assert isinstance(objective, objectives.Contrastive)
        found.append((phase.batch, phase.epochs, objective.loss))
    return found


LARGE = {"probe_accuracy": 0.9, "knn_accuracy": 0.8, "contrastive_accuracy": 0.1}
SMALL = {"probe_accuracy": 0.85, "knn_accuracy": 0.82, "contrastive_accuracy": 0.1}


@pytest.mark.parametrize(
    ("claim", "arm", "variant", "epochs", "loss", "points"),
    [
        ("A6", "long", "", 20, "nt-xent", 5),
        ("A6", "short", "knn", 5, "nt-xent", -2),
    ],
)
def test_a_gap_is_the_large_batch_minus_the_small_one_in_points(
    claim: str, arm: str, variant: str, epochs: int, loss: str, points: float
) -> None:
    gap = sample(claim, arm, variant, "batch-gap")
    assert specs(gap) == [(256, epochs, loss), (32, epochs, loss)]
    read = gap.read(LARGE, SMALL)
    assert isinstance(read, Reading)
    assert read.value == pytest.approx(points)


@pytest.mark.parametrize(
    ("variant", "loss", "rule", "points"),
    [("", "nt-xent", "sqrt", 5 - 2 / 2), ("dcl", "dcl", "linear", 5 - 2 / 2), ("dcl knn", "dcl", "linear", 2 + 4 / 2)],
)
def test_what_is_left_of_a_gap_is_its_size_less_half_of_the_gap(
    variant: str, loss: str, rule: str, points: float
) -> None:
    left = sample("A7", "", variant, "gap-left")
    assert specs(left) == [(256, 5, loss), (32, 5, loss), (256, 5, "nt-xent"), (32, 5, "nt-xent")]
    way = "dcl" if loss == "dcl" else rule
    assert [need.runs[0].spec for need in left.needs[1::2]] == [QUICK.run(32, 5, w, 0).spec for w in (way, "linear")]
    before = {"probe_accuracy": 0.87, "knn_accuracy": 0.78}, {"probe_accuracy": 0.85, "knn_accuracy": 0.82}
    read = left.read(LARGE, SMALL, *before)
    assert isinstance(read, Reading)
    assert read.value == pytest.approx(points)


def test_accuracies_are_read_in_percent_at_every_batch() -> None:
    curve = [s for s in samples(QUICK) if s.quantity == "knn-accuracy" and s.x is not None and not s.variant]
    assert sorted({s.x for s in curve if s.x}) == [32, 256]
    read = curve[0].read(SMALL)
    assert isinstance(read, Reading)
    assert read.value == pytest.approx(82)

"""What holds for the study of every paper: what it would run meets what the claims declare."""

from __future__ import annotations

from typing import Any

import pytest

from repro.claims.loading import load_claims
from repro.data import CATALOGUE
from repro.studies.observing import needs_of
from repro.studies.papers import keys, papers_folder, study
from repro.studies.profiles import load_settings

SETTINGS = [
    (paper, setting)
    for paper in keys()
    for profile in ("quick", "laptop", "paper")
    for setting in load_settings(papers_folder() / paper, profile, study(paper).Setting)
]
EVERY = pytest.mark.parametrize(
    ("paper", "setting"), SETTINGS, ids=[f"{paper}-{s.profile}-{s.network}" for paper, s in SETTINGS]
)


@EVERY
def test_every_sample_belongs_to_a_declared_row_or_is_shown_beside_one(paper: str, setting: Any) -> None:
    declared = {claim.id: claim for claim in load_claims(papers_folder() / paper)}
    judged = set()
    for sample in study(paper).samples(setting):
        comparison = declared[sample.claim].comparison(sample.variant)
        assert comparison is not None
        if sample.quantity == comparison.quantity and sample.arm in (comparison.arms or ("",)):
            judged.add((sample.claim, sample.variant))
    assert {claim for claim, variant in judged if not variant} == set(setting.claims)


@EVERY
def test_no_two_samples_are_the_same_row(paper: str, setting: Any) -> None:
    rows = [(s.claim, s.variant, s.arm, s.seed, s.quantity, s.x) for s in study(paper).samples(setting)]
    assert len(rows) == len(set(rows))


@EVERY
def test_no_run_ends_an_epoch_with_one_example(paper: str, setting: Any) -> None:
    runs, _ = needs_of(study(paper).samples(setting))
    for run in runs:
        assert all(CATALOGUE[run.spec.dataset].train % phase.batch != 1 for phase in run.spec.regime.phases)

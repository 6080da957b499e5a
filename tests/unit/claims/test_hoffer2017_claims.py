"""The declarations of papers/hoffer2017 themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.claims.loading import load_claims
from repro.claims.paper import load_paper

FOLDER = Path(__file__).parents[3] / "papers" / "hoffer2017"
CLAIMS = {claim.id: claim for claim in load_claims(FOLDER)}
PAPER = load_paper(FOLDER)


def numbers(network: str, column: str) -> float:
    return PAPER.cite(f"Table 1/{column}", network).numbers[0]


def test_there_are_thirteen_claims() -> None:
    assert list(CLAIMS) == [f"H{number}" for number in range(1, 14)]


@pytest.mark.parametrize("claim", ["H1", "H3", "H4", "H5"])
def test_accuracy_margins_are_half_a_point_or_half_of_what_table_1_shows(claim: str) -> None:
    row = CLAIMS[claim].primary
    of = ("SB", "LB") if claim == "H5" else row.arms
    assert set(row.reported) == set(CLAIMS[claim].networks)
    for network in row.reported:
        margin = row.margins[network]
        shown = abs(numbers(network, of[0]) - numbers(network, of[1]))
        assert margin == pytest.approx(min(0.5, shown / 2), abs=1e-9)


def test_equivalences_need_the_difference_that_they_say_is_gone() -> None:
    needs = {claim.id: claim.primary.needs_gap for claim in CLAIMS.values() if claim.primary.kind == "equivalence"}
    assert needs == {"H5": "H1", "H7": "H1", "H9": "H3"}


def test_noise_is_held_to_half_of_what_the_learning_rate_gains() -> None:
    assert CLAIMS["H9"].primary.margins == CLAIMS["H3"].primary.margins


def test_an_exact_replication_would_contradict_the_equivalence_only_where_the_paper_is_better_than_its_small_batch():
    beyond = [n for n, each in CLAIMS["H5"].primary.reported.items() if abs(each["effect"]) > 0.5]
    assert beyond == ["VGG", "C3"], "choices.md says so"


def test_directions_agree_with_the_papers_own_numbers() -> None:
    for claim in CLAIMS.values():
        for row in claim.comparisons:
            assert all(row.direction * each["effect"] > 0 for each in row.reported.values() if row.direction)


def test_every_network_of_the_paper_is_named_in_every_claim_but_the_one_that_is_only_counted() -> None:
    named = {frozenset((*claim.networks, *claim.extensions)) for claim in CLAIMS.values()}
    assert named == {frozenset(PAPER.networks) - {"AlexNet"}}

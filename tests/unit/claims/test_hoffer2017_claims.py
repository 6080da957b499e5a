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


def test_only_the_closing_gap_needs_a_gap() -> None:
    assert {claim.id: claim.needs_gap for claim in CLAIMS.values() if claim.needs_gap} == {"H5": "H1"}


def test_directions_agree_with_the_papers_own_numbers() -> None:
    for claim in CLAIMS.values():
        for row in claim.comparisons:
            assert all(row.direction * each["effect"] > 0 for each in row.reported.values() if row.direction)


def test_every_network_of_the_paper_is_named_in_every_claim() -> None:
    assert {frozenset((*claim.networks, *claim.extensions)) for claim in CLAIMS.values()} == {frozenset(PAPER.networks)}

"""The declarations of papers/keskar2017 themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.claims.declared import load_toml
from repro.claims.loading import load_claims
from repro.claims.paper import load_paper

FOLDER = Path(__file__).parents[3] / "papers" / "keskar2017"
CLAIMS = {claim.id: claim for claim in load_claims(FOLDER)}
PAPER = load_paper(FOLDER)
NETWORKS = {"F1", "F2", "C1", "C2", "C3", "C4"}


def test_there_are_sixteen_claims():
    assert list(CLAIMS) == [f"K{number}" for number in range(1, 17)]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_every_row_has_a_margin_a_reason_and_a_recipe(claim):
    for row in claim.comparisons:
        assert all(row.margin(network) > 0 for network in (*claim.networks, *claim.extensions))
        assert len(row.margin_from) > 5
        assert len(row.measured) > 15
    assert set(claim.networks) | set(claim.extensions) <= NETWORKS


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_names_fit_the_terminal(claim):
    assert max(len(row.variant) for row in claim.comparisons) <= 20
    assert max(len(row.unit) for row in claim.comparisons) <= 10


@pytest.mark.parametrize("claim", ["K1", "K11", "K12", "K13", "K15"])
def test_accuracy_margins_are_half_a_point_or_half_the_papers_gap(claim):
    row = CLAIMS[claim].primary
    for network, margin in row.margins.items():
        test_sb, test_lb = (PAPER.cite(f"Table 2/test {arm}", network).numbers[0] for arm in ("SB", "LB"))
        assert margin == pytest.approx(min(0.5, (test_sb - test_lb) / 2))


def test_a_directional_claim_predicts_what_the_paper_read_for_itself():
    signs = {
        (claim.id, row.variant, network): row.direction * numbers["effect"] > 0
        for claim in CLAIMS.values()
        for row in claim.comparisons
        if row.kind == "directional"
        for network, numbers in row.reported.items()
    }
    assert len(signs) > 40
    assert [place for place, agrees in signs.items() if not agrees] == [("K12", "", "C3")], "recalled, and it differs"


def test_sharpness_is_compared_on_a_log_scale():
    rows = [row for claim in CLAIMS.values() for row in claim.comparisons if row.quantity.endswith("sharpness")]
    assert len(rows) > 20
    assert {(row.scale, row.unit) for row in rows} == {("log10", "decades")}


def test_margins_rest_on_nothing_recalled():
    assert {name: table.mark for name, table in PAPER.tables.items() if table.mark == "recalled"}.keys() == {
        "Table 6",
        "Table 7",
    }


def test_the_rise_along_the_path_is_that_of_the_released_figures():
    figures = load_toml(FOLDER / "figures.toml")
    for network in ("C1", "C2", "C3", "C4"):
        loss = dict(zip(figures["alpha"], figures[network]["train_loss"], strict=True))
        rises = [(loss[end - 0.25] + loss[end + 0.25]) / 2 - loss[end] for end in (0, 1)]
        ours = [PAPER.cite(f"Fig. 3/{arm}", network).numbers[0] for arm in ("SB", "LB")]
        assert ours == pytest.approx(rises, abs=1e-6)


def test_the_gap_closes_only_against_the_gap():
    assert {claim.id: claim.primary.needs_gap for claim in CLAIMS.values() if claim.primary.needs_gap} == {"K11": "K1"}

from __future__ import annotations

import pytest

from repro.claims.loading import load_claims
from repro.errors import DataError, StorageError


def test_a_claim_is_read_as_declared(declare):
    (claim,) = declare()
    row = claim.primary
    assert (claim.paper, claim.id, claim.networks, claim.extensions) == ("paper", "K1", ("F1",), ("C1",))
    assert (row.arms, row.direction, row.margins, row.span) == (
        ("LB", "SB"),
        -1,
        {"F1": 0.5, "C1": 0.5},
        None,
    )
    assert row.region("C1") == (-0.5, 0.5)


def test_a_margin_may_differ_by_network(declare, gap):
    (claim,) = declare(gap + "margins = { F1 = 0.1 }\n")
    assert claim.primary.margins == {"F1": 0.1, "C1": 0.5}


def test_a_variant_inherits_what_it_does_not_override(declare, gap):
    (claim,) = declare(gap + '[[claims.variants]]\nname = "v"\nmeasured = "m"\npairing = "welch"\n')
    first, second = claim.comparisons
    assert (second.variant, second.pairing, second.measured) == ("v", "welch", "m")
    assert (second.direction, second.margins, second.title) == (first.direction, first.margins, first.title)
    assert second.reported == {}, "the paper's numbers belong to one row"
    assert (claim.comparison("v"), claim.comparison("w")) == (second, None)


def test_what_needs_a_gap_says_so_to_its_variants_but_not_to_those_of_another_kind(declare, gap):
    second = gap.replace('"K1"', '"K2"') + 'needs_gap = "K1"\n'
    alike = '[[claims.variants]]\nname = "alike"\nmeasured = "m"\n'
    other = '[[claims.variants]]\nname = "other"\nmeasured = "m"\nkind = "equivalence"\nmargin = 1\nmargin_from = "r"\n'
    _, claim = declare(gap + second + alike + other)
    assert [row.needs_gap for row in claim.comparisons] == ["K1", "K1", ""]
    with pytest.raises(DataError, match="needs_gap of K2/alike = 'K1/none' must be one of K1"):
        declare(gap + second + alike + 'needs_gap = "K1/none"\n')


def test_a_gap_that_needs_a_gap_cannot_be_needed(declare, gap):
    second, third = (gap.replace('"K1"', f'"{name}"') + 'needs_gap = "K' for name in ("K2", "K3"))
    with pytest.raises(DataError, match="needs_gap of K3 = 'K2' must be a row that needs no gap itself"):
        declare(gap + second + '1"\n' + third + '2"\n')


@pytest.mark.parametrize(
    ("override", "missing"),
    [
        ("", "measured is missing"),
        ('measured = "m"\nmargin = 1', "margin_from is missing"),
        ('measured = "m"\nquantity = "q"', "title is missing"),
        ('measured = "m"\nkind = "range"\nscale = "linear"', "range is missing"),
    ],
)
def test_a_variant_that_changes_the_question_must_give_its_own_reasons(declare, gap, override, missing):
    with pytest.raises(DataError, match=f"claims.toml, K1, variant v: {missing}. Write it down before the runs"):
        declare(f'{gap}[[claims.variants]]\nname = "v"\n{override}\n')


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("margin = 0.5", "", "K1: margin is missing. Write it down before the runs"),
        ("margin = 0.5", "margin = 0", "margin of F1 = 0.0 must be positive"),
        ("margin = 0.5", "margin = nan", "margin = nan must be a finite number"),
        ("margin = 0.5", 'margin = "half"', "margin = 'half' must be a finite number"),
        ('margin_from = "half a point"', 'margin_from = " "', "margin_from = ' ' must be a text"),
        ("direction = -1", "direction = 2", "direction = 2.0 must be 1 or -1"),
        ("direction = -1", "direction = true", "direction = True must be a finite number"),
        (
            'kind = "directional"',
            'kind = "vague"',
            "kind = 'vague' must be one of directional, equivalence, range",
        ),
        ('arms = ["LB", "SB"]', 'arms = ["LB"]', "must have 2 names when pairing is paired"),
        ('arms = ["LB", "SB"]', 'arms = ["LB", "LB"]', "must be a list of different texts"),
        ('pairing = "paired"', 'pairing = "one-sample"', "must have 0 names when pairing is one-sample"),
        ('unit = "points"', 'unit = "points"\nmood = 1', "unknown key mood"),
        ('where = "Table 1"', 'where = "Table 1"\nwhy = "x"', "unknown key why"),
        ('networks = ["F1"]', 'networks = ["F7"]', r"\['F7'\] must be among F1, C1 of paper.toml"),
        ('networks = ["F1"]\nextensions = ["C1"]', "networks = []", "name at least one network"),
        ('extensions = ["C1"]', 'extensions = ["F1"]', "name networks that are not the paper's"),
        ('["Table 1/LB", "Table 1/SB"]', '["Table 1/LB"]', "must cite 2 columns, or none"),
        ('["Table 1/LB", "Table 1/SB"]', '["Table 2/LB", "Table 1/SB"]', "no table 'Table 2'"),
        ('["Table 1/LB", "Table 1/SB"]', '["Table 1/MB", "Table 1/SB"]', "no column 'MB'"),
        ('id = "K1"', 'id = "K1"\nneeds_gap = "K1"', "needs_gap of K1 = 'K1' must be one of"),
        ('id = "K1"', 'id = "K1"\nneeds_gap = "K5"', "needs_gap of K1 = 'K5' must be one of"),
        ("[[claims]]", "[[claim]]", "must be different ids, at least one|unknown key claim"),
        ('title = "The gap"', "title = ", "not valid TOML"),
    ],
)
def test_a_bad_declaration_is_named_with_its_rule(declare, gap, before, after, message):
    assert before in gap
    with pytest.raises(DataError, match=message):
        declare(gap.replace(before, after, 1))


def test_two_claims_of_one_id_are_refused(declare, gap):
    with pytest.raises(DataError, match="must be different ids"):
        declare(gap + gap)


def test_two_variants_of_one_name_are_refused(declare, gap):
    with pytest.raises(DataError, match="must have different names"):
        declare(gap + 2 * '[[claims.variants]]\nname = "v"\nmeasured = "m"\n')


@pytest.mark.parametrize(
    ("span", "message"),
    [("[10, 3]", "the lower first"), ("[3]", "the lower first"), ("[0, 3]", "positive on a log10 scale")],
)
def test_a_range_has_two_ends(declare, gap, span, message):
    text = gap.replace("direction = -1\nmargin = 0.5\n", f"range = {span}\n").replace('"directional"', '"range"')
    with pytest.raises(DataError, match=message):
        declare(text.replace('"linear"', '"log10"'))


def test_numbers_of_one_network_alone_stand_by_its_name_beside_the_others(declare, gap):
    (claim,) = declare(gap)
    own, other = (claim.primary.reported[network] for network in ("F1", "C1"))
    assert other == own | {"network": "F1"}
    assert "network" not in own


def test_numbers_of_several_networks_stand_beside_nobody_elses(declare, gap, paper):  # control
    more = paper.replace(
        "rows.F1 = [[98.0, 0.1], [97.5, 0.2]]", "rows.F1 = [[98, 1], [97, 1]]\nrows.F2 = [[9, 1], [8, 1]]"
    )
    (claim,) = declare(gap, more)
    assert set(claim.primary.reported) == {"F1"}


def test_a_claim_that_cites_memory_says_so(declare, gap):
    (claim,) = declare(gap.replace('"Table 1/LB"', '"Table 9/LB"'))
    assert claim.primary.reported["F1"]["mark"] == "recalled"
    assert claim.primary.reported["F1"]["source"] == "Table 9, Table 1"
    assert claim.primary.reported["F1"]["effect"] == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('key = "paper"', 'key = "other"', "key = 'other' must be the folder's name, 'paper'"),
        ("year = 2017", "year = 2017.5", "must be a whole number"),
        (
            'mark = "recalled"',
            'mark = "guessed"',
            "mark = 'guessed' must be one of verified, derived, recalled",
        ),
        ("rows.F1 = [[97.9, 0.1]]", "rows.F1 = [[97.9, 0.1], [1]]", "must have 1 cells, one a column"),
        ("rows.F1 = [[97.9, 0.1]]", 'rows.F1 = [["high"]]', "list of lists of finite numbers"),
        ('venue = "ICLR"', 'venue = "ICLR"\npages = 16', "unknown key pages"),
        ('data = "MNIST"', 'dat = "MNIST"', "networks, F1: data is missing"),
    ],
)
def test_a_bad_paper_is_named_with_its_rule(declare, gap, paper, before, after, message):
    assert before in paper
    with pytest.raises(DataError, match=message):
        declare(gap, paper.replace(before, after, 1))


def test_a_paper_without_a_folder_is_an_error(tmp_path):
    with pytest.raises(StorageError, match=r"cannot read .*paper.toml: No such file or directory"):
        load_claims(tmp_path / "nobody")

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from repro.claims.judge import judge
from repro.errors import DataError

CLOSED = """
[[claims]]
id = "K2"
title = "The gap closes"
where = "Table 1"
networks = ["F1"]
needs_gap = "K1"
quantity = "accuracy"
measured = "percent"
kind = "equivalence"
arms = ["LB", "SB"]
pairing = "paired"
scale = "linear"
margin = 0.5
margin_from = "half a point"
unit = "points"
[[claims.variants]]
name = "other"
measured = "otherwise"
"""
RATIO = """
[[claims]]
id = "K3"
title = "Three to ten times"
where = "text"
networks = ["F1"]
quantity = "ratio"
measured = "a ratio"
kind = "range"
arms = []
pairing = "one-sample"
scale = "log10"
range = [3, 10]
margin_from = "the paper's"
unit = "decades"
"""
SB, GAP, NO_GAP = [98.0, 98.1, 98.2, 98.3], [97.0, 97.2, 97.1, 97.2], [98.01, 98.11, 98.2, 98.29]
SMALL = [97.8, 97.89, 98.01, 98.1]


def _row(rows, claim="K1", network="F1", variant=""):
    (found,) = (row for row in rows if (row.claim, row.network, row.variant) == (claim, network, variant))
    return found


def test_without_evidence_every_claim_and_network_is_not_run(declare, gap):
    rows = judge(declare(gap + CLOSED), [], "quick", {"F1": "mnist-embedded"})
    assert [(r.claim, r.network, r.dataset, r.verdict) for r in rows] == [
        ("K1", "F1", "mnist-embedded", "not run"),
        ("K1", "C1", "", "not run"),
        ("K2", "F1", "mnist-embedded", "not run"),
    ]
    assert {(r.effect, r.interval, r.p, r.p_holm, r.n, r.finding) for r in rows} == {(None, None, None, None, 0, "")}


def test_a_row_alone_in_its_family_is_the_textbook_test(declare, pairs):
    row = _row(judge(declare(), pairs(SB, GAP), "quick"))
    theirs = stats.ttest_rel(GAP, SB)
    assert (row.p, row.p_holm) == pytest.approx((theirs.pvalue, theirs.pvalue))
    assert row.interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (row.verdict, row.finding, row.n) == ("reproduced", "as claimed", 4)
    assert row.test == "paired t, df 3, 95 % interval, Holm over 1"
    assert row.command == "repro reproduce paper --profile quick --only K1"


def test_the_papers_numbers_stand_in_the_row(declare, pairs):
    rows = judge(declare(), pairs(SB, GAP), "quick")
    expected = {"source": "Table 1", "mark": "verified", "LB": [97.5, 0.2], "SB": [98.0, 0.1], "effect": -0.5}
    assert _row(rows).reported == expected
    assert _row(rows, network="C1").reported == expected | {"network": "F1"}


def test_the_title_says_that_a_network_is_an_extension(declare, pairs):
    rows = judge(declare(), pairs(SB, GAP, network="C1"), "quick")
    assert _row(rows, network="C1").title == "The gap (extension: the paper does not show it for this network)"
    assert _row(rows).title == "The gap"


def test_the_interval_of_a_second_primary_row_is_wider(declare, gap, pairs):
    evidence = pairs(SB, GAP) + pairs(SB, NO_GAP, claim="K2")
    both = judge(declare(gap + CLOSED), evidence, "quick")
    theirs = stats.ttest_rel(GAP, SB).confidence_interval
    first, second = _row(both), _row(both, "K2")
    assert second.p < first.p < 0.05
    assert first.interval == pytest.approx(tuple(theirs(0.95))), "the last to be rejected has all of alpha"
    assert second.interval == pytest.approx(tuple(stats.ttest_rel(NO_GAP, SB).confidence_interval(0.95)))
    assert (first.p_holm, second.p_holm) == pytest.approx((first.p, 2 * second.p))
    assert second.test == "paired t, two one-sided tests, df 3, 95 % interval, Holm over 2"


def test_the_test_is_named_as_declared(declare, gap, pairs):
    claims = declare(gap.replace('pairing = "paired"', 'pairing = "welch"'))
    row = _row(judge(claims, pairs(SB, GAP), "quick"))
    assert row.p == pytest.approx(stats.ttest_ind(GAP, SB, equal_var=False).pvalue)
    assert row.test.startswith("Welch t, df ")


def test_a_variant_is_corrected_for_nothing_and_corrects_nothing(declare, gap, pairs):
    evidence = pairs(SB, GAP) + pairs(SB, NO_GAP, claim="K2", variant="other")
    rows = judge(declare(gap + CLOSED), evidence, "quick")
    assert _row(rows).p_holm == pytest.approx(2 * _row(rows).p)  # two primary rows are declared, one is not run
    assert (_row(rows, "K2", variant="other").p_holm, _row(rows, "K2").verdict) == (None, "not run")
    assert _row(rows, "K2", variant="other").interval == pytest.approx(
        tuple(stats.ttest_rel(NO_GAP, SB).confidence_interval(0.9))
    )


def test_a_verdict_does_not_change_because_another_claim_was_run(declare, gap, pairs):
    alone = judge(declare(gap + CLOSED), pairs(SB, GAP), "quick")
    both = judge(declare(gap + CLOSED), pairs(SB, GAP) + pairs(SB, SB[::-1], claim="K2"), "quick")
    assert _row(alone) == _row(both)


def test_families_of_different_networks_do_not_meet(declare, pairs):
    rows = judge(declare(), pairs(SB, GAP) + pairs(SB, GAP, network="C1"), "quick")
    assert [row.p_holm for row in rows] == [row.p for row in rows]


def test_a_gap_closes_only_where_there_was_one(declare, gap, pairs):
    claims, closed = declare(gap + CLOSED), pairs(SB, NO_GAP, claim="K2")
    verdicts = {
        "gap": _row(judge(claims, pairs(SB, GAP) + closed, "quick"), "K2"),
        "no gap": _row(judge(claims, pairs(SB, NO_GAP) + closed, "quick"), "K2"),
        "small": _row(judge(claims, pairs(SB, SMALL) + closed, "quick"), "K2"),
        "not run": _row(judge(claims, closed, "quick"), "K2"),
        "elsewhere": _row(judge(claims, pairs(SB, GAP, dataset="other") + closed, "quick"), "K2"),
    }
    assert {name: (row.verdict, row.finding) for name, row in verdicts.items()} == {
        "gap": ("reproduced", "as claimed"),
        "no gap": ("inconclusive", "the gap was not shown"),
        "small": ("inconclusive", "the gap was not shown"),
        "not run": ("inconclusive", "the gap was not shown"),
        "elsewhere": ("inconclusive", "the gap was not shown"),
    }


def test_a_row_that_needs_another_row_is_held_to_that_one(declare, gap, pairs):
    twice = gap + '[[claims.variants]]\nname = "other"\nmeasured = "otherwise"\n'
    claims = declare(twice + CLOSED + 'needs_gap = "K1/other"\n')
    closed = pairs(SB, NO_GAP, claim="K2") + pairs(SB, NO_GAP, claim="K2", variant="other")
    rows = judge(claims, pairs(SB, GAP) + pairs(SB, NO_GAP, variant="other") + closed, "quick")
    found = {variant: _row(rows, "K2", variant=variant).finding for variant in ("", "other")}
    assert found == {"": "as claimed", "other": "the gap was not shown"}


def test_a_direction_that_needs_a_gap_is_not_judged_without_one(declare, gap, pairs):
    claims = declare(gap + gap.replace('"K1"', '"K2"') + 'needs_gap = "K1"\n')
    lower = pairs(SB, GAP, claim="K2")
    assert _row(judge(claims, pairs(SB, GAP) + lower, "quick"), "K2").finding == "as claimed"
    assert _row(judge(claims, pairs(SB, NO_GAP) + lower, "quick"), "K2").finding == "the gap was not shown"


def test_a_range_is_judged_on_a_log_scale(declare, observation):
    ratios = [observation(v, claim="K3", quantity="ratio", arm="", seed=s) for s, v in enumerate((4.0, 5.0, 6.0))]
    row = _row(judge(declare(RATIO), ratios, "quick"), "K3")
    assert row.verdict == "reproduced"
    assert row.effect == pytest.approx(0.69306, abs=1e-5)
    assert row.margin == pytest.approx(0.26144, abs=1e-5)
    assert row.test.startswith("one-sample t, two one-sided tests against 3 and 10, df 2, 90 % interval")


def test_a_ratio_is_not_judged_where_a_value_has_no_logarithm(declare, gap, pairs):
    claims = declare(gap.replace('scale = "linear"', 'scale = "log10"'))  # LB is lower
    lower = [0.01, 0.011, 0.01, 0.012]
    assert _row(judge(claims, pairs(SB, lower), "quick")).verdict == "reproduced"
    for sb, lb in (([-1.0, *SB[1:]], lower), (SB, [-0.5, *lower[1:]])):
        row = _row(judge(claims, pairs(sb, lb), "quick"))
        assert (row.verdict, row.finding) == ("inconclusive", "a value is not positive, so there is no ratio")
        assert (row.n, row.failed) == (4, 1)
        assert (row.effect, row.interval, row.p, row.p_holm) == (None,) * 4


def test_what_compares_by_itself_needs_a_logarithm_too(declare, observation):
    values = [observation(v, claim="K3", quantity="ratio", arm="", seed=s) for s, v in enumerate((4.0, 5.0, -6.0))]
    assert _row(judge(declare(RATIO), values, "quick"), "K3").finding.endswith("so there is no ratio")


def test_one_run_is_too_few(declare, pairs):
    row = _row(judge(declare(), pairs([98.0], [97.0]), "quick"))
    assert (row.verdict, row.finding) == ("inconclusive", "too few runs, or no spread between them, for an interval")
    assert (row.effect, row.interval, row.p, row.p_holm, row.n) == (-1.0, None, None, None, 1)


def test_runs_that_all_diverged_were_run(declare, observation):
    rows = [observation(arm=arm, seed=s, status="diverged") for arm in ("SB", "LB") for s in range(3)]
    row = _row(judge(declare(), rows, "quick"))
    assert (row.verdict, row.effect, row.n, row.failed, row.diverged) == ("inconclusive", None, 3, 0, 6)


def test_profiles_and_data_sets_never_mix(declare, pairs):
    evidence = pairs(SB, GAP) + pairs(SB, NO_GAP, profile="laptop") + pairs(SB, SB, dataset="other")
    rows = [row for row in judge(declare(), evidence, "quick") if row.network == "F1"]
    assert [(row.dataset, row.effect) for row in rows] == [("mnist", pytest.approx(-1.025)), ("other", 0.0)]


def test_curves_and_side_measurements_are_no_evidence_for_the_verdict(declare, observation, pairs):
    aside = [observation(0.0, x=1.0), observation(0.0, quantity="loss", arm="whatever")]
    assert judge(declare(), pairs(SB, GAP) + aside, "quick") == judge(declare(), pairs(SB, GAP), "quick")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"claim": "K9"}, "no claim 'K9'"),
        ({"network": "F2"}, "not declared for this network"),
        ({"variant": "typo"}, "no such variant"),
        ({"arm": "MB"}, "arm 'MB' must be one of"),
    ],
)
def test_evidence_for_nothing_that_was_declared_is_an_error(declare, observation, change, message):
    with pytest.raises(DataError, match=message):
        judge(declare(), [replace(observation(), **change)], "quick")


def test_a_value_given_twice_is_an_error(declare, observation):
    with pytest.raises(DataError, match="Two values for"):
        judge(declare(), [observation(1.0), observation(1.0)], "quick")

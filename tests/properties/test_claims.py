from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from repro.claims.cell import cell
from repro.claims.claim import Claim, Comparison
from repro.claims.estimate import one_sample, welch
from repro.claims.evidence import Observation, Provenance
from repro.claims.holm import adjusted, shares
from repro.claims.judge import ALPHA, judge
from repro.claims.verdict import Verdict, decide

PROVENANCE = Provenance("0", "", "2", 1, "a CPU")
DIRECTIONAL = Comparison(
    variant="",
    title="LB is lower",
    quantity="accuracy",
    measured="percent",
    kind="directional",
    arms=("LB", "SB"),
    pairing="paired",
    scale="linear",
    direction=-1,
    margins={"F1": 0.5},
    span=None,
    margin_from="a reason",
    unit="points",
    needs_gap="",
    reported={},
)
EQUIVALENCE = replace(DIRECTIONAL, kind="equivalence", direction=0)

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)
numbers = st.integers(-1000, 1000).map(lambda n: n / 100)
samples = st.lists(numbers, min_size=2, max_size=8)
kinds = st.sampled_from([("directional", 1), ("directional", -1), ("equivalence", 0), ("range", 0)])


def _claims(rows):
    return [Claim("paper", f"K{i}", "text", ("F1",), (), (row,)) for i, row in enumerate(rows)]


def _observations(claim, effects):
    facts = {"claim": claim, "network": "F1", "dataset": "d", "profile": "quick", "quantity": "accuracy"}
    return [
        Observation(**facts, arm=arm, seed=seed, value=value, provenance=PROVENANCE)
        for seed, effect in enumerate(effects)
        for arm, value in (("SB", 0.0), ("LB", effect))
    ]


@given(p_values)
def test_adjusting_never_lowers_a_p_and_keeps_their_order(p):
    corrected = adjusted(p)
    assert all(before <= after <= 1 for before, after in zip(p, corrected, strict=True))
    ranked = [after for _, after in sorted(zip(p, corrected, strict=True))]
    assert ranked == sorted(ranked)


@given(p_values, st.permutations(range(12)))
def test_holm_does_not_depend_on_the_order_of_the_rows(p, order):
    order = [index for index in order if index < len(p)]
    moved = [p[index] for index in order]
    assert adjusted(moved) == [adjusted(p)[index] for index in order]
    assert shares(moved, ALPHA) == [shares(p, ALPHA)[index] for index in order]


@given(p_values)
def test_a_row_is_rejected_at_its_share_exactly_if_its_adjusted_p_is_at_most_alpha(p):
    corrected = adjusted(p)
    assume(all(abs(each - ALPHA) > 1e-9 for each in corrected))
    rejected = [before <= share for before, share in zip(p, shares(p, ALPHA), strict=True)]
    assert rejected == [after <= ALPHA for after in corrected]


@given(p_values)
def test_holm_rejects_whatever_bonferroni_rejects(p):
    assert all(after <= min(1, before * len(p)) + 1e-15 for before, after in zip(p, adjusted(p), strict=True))


@given(samples, st.floats(1e-6, 0.5), st.floats(1.01, 100))
def test_a_smaller_error_has_a_wider_interval(values, error, factor):
    estimate = one_sample(values)
    assume(estimate.standard_error is not None)
    (low, high), (lower, higher) = estimate.interval(error), estimate.interval(error / factor)
    assert lower <= low <= estimate.mean <= high <= higher


@given(samples, samples)
def test_exchanging_the_arms_turns_the_effect_round(treatment, control):
    there, back = welch(treatment, control), welch(control, treatment)
    assert (there.mean, there.df, there.p_zero()) == pytest.approx((-back.mean, back.df, back.p_zero()))


@given(kinds, numbers, st.floats(0, 5), st.floats(0.01, 2), st.floats(0, 1))
def test_a_narrower_interval_about_the_same_mean_never_contradicts_what_was_reproduced(kind, mean, half, margin, part):
    name, direction = kind
    wide, narrow = (
        decide(name, (mean - width, mean + width), (-margin, margin), direction) for width in (half, half * part)
    )
    assert wide.verdict is not Verdict.REPRODUCED or narrow.verdict is Verdict.REPRODUCED


@given(numbers, st.floats(0, 5), st.floats(0.01, 2))
def test_what_is_reproduced_one_way_is_not_reproduced_the_other_way(mean, half, margin):
    interval, region = (mean - half, mean + half), (-margin, margin)
    verdicts = [decide("directional", interval, region, direction).verdict for direction in (1, -1)]
    assert verdicts.count(Verdict.REPRODUCED) <= 1
    assert (verdicts[0] is Verdict.INCONCLUSIVE) == (verdicts[1] is Verdict.INCONCLUSIVE)


@given(st.lists(samples, min_size=1, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_the_verdict_of_a_primary_row_agrees_with_its_corrected_p(effects, directional):
    rows = [DIRECTIONAL if flag else EQUIVALENCE for flag, _ in zip(directional, effects, strict=False)]
    evidence = [each for i, values in enumerate(effects) for each in _observations(f"K{i}", values)]
    ledger = judge(_claims(rows), evidence, "quick")
    for row, comparison in zip(ledger, rows, strict=True):
        assume(row.p_holm is not None and abs(row.p_holm - ALPHA) > 1e-9)
        shown = row.verdict == "reproduced" or (comparison is DIRECTIONAL and row.finding == "reversed")
        assert shown == (row.p_holm < ALPHA)


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_observations_does_not_matter(effects, shuffler):
    evidence = _observations("K0", effects)
    moved = list(evidence)
    shuffler.shuffle(moved)
    claims = _claims([DIRECTIONAL])
    assert judge(claims, moved, "quick") == judge(claims, evidence, "quick")


@given(
    samples,
    st.sets(st.integers(20, 30)),
    st.sampled_from(["failed", "diverged"]),
    st.sampled_from(["SB", "LB"]),
)
def test_runs_that_failed_never_move_the_mean(effects, seeds, status, arm):
    evidence = _observations("K0", effects)
    lost = [
        replace(evidence[0], arm=arm, seed=seed, value=float("nan"), status=status, reason="lost") for seed in seeds
    ]
    with_lost, without = cell(DIRECTIONAL, evidence + lost), cell(DIRECTIONAL, evidence)
    assert with_lost.estimate == without.estimate
    assert with_lost.failed + with_lost.diverged == len(seeds)


@given(samples, numbers)
def test_control_a_run_that_succeeded_does_move_the_mean(effects, value):
    evidence, added = _observations("K0", effects), _observations("K0", [*effects, value])
    before, after = cell(DIRECTIONAL, evidence).estimate, cell(DIRECTIONAL, added).estimate
    assume(abs(value - before.mean) > 1e-6)
    assert abs(after.mean - before.mean) > 1e-8

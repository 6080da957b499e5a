from __future__ import annotations

import pytest

from repro.claims.verdict import decide

MARGIN = (-0.5, 0.5)


@pytest.mark.parametrize(
    ("interval", "verdict", "finding"),
    [
        ((0.6, 2.0), "reproduced", "as claimed"),
        ((0.1, 2.0), "reproduced", "as claimed"),
        ((0.1, 0.4), "reproduced", "smaller than the margin"),
        ((-2.0, -0.1), "contradicted", "reversed"),
        ((-0.3, -0.1), "contradicted", "reversed"),
        ((-0.3, 0.4), "contradicted", "no difference beyond the margin"),
        ((0.0, 0.0), "contradicted", "no difference beyond the margin"),
        ((-0.3, 0.6), "inconclusive", "the interval allows both"),
        ((-0.3, 0.5), "inconclusive", "the interval allows both"),
        ((0.0, 0.6), "inconclusive", "the interval allows both"),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_a_directional_claim(interval, verdict, finding, direction):
    mirrored = interval if direction == 1 else (-interval[1], -interval[0])
    conclusion = decide("directional", mirrored, MARGIN, direction)
    assert (conclusion.verdict.value, conclusion.finding.value) == (verdict, finding)


@pytest.mark.parametrize(
    ("interval", "verdict", "finding"),
    [
        ((-0.4, 0.4), "reproduced", "as claimed"),
        ((0.1, 0.4), "reproduced", "as claimed"),
        ((0.6, 0.9), "contradicted", "larger than the margin"),
        ((-0.9, -0.6), "contradicted", "larger than the margin"),
        ((0.4, 0.6), "inconclusive", "the interval allows both"),
        ((-0.9, 0.9), "inconclusive", "the interval allows both"),
        ((0.0, 0.5), "inconclusive", "the interval allows both"),
    ],
)
def test_an_equivalence_claim(interval, verdict, finding):
    conclusion = decide("equivalence", interval, MARGIN, 0)
    assert (conclusion.verdict.value, conclusion.finding.value) == (verdict, finding)


@pytest.mark.parametrize(
    ("interval", "verdict", "finding"),
    [
        ((4.0, 9.0), "reproduced", "as claimed"),
        ((1.0, 2.0), "contradicted", "below the range"),
        ((11.0, 12.0), "contradicted", "above the range"),
        ((2.0, 4.0), "inconclusive", "the interval allows both"),
    ],
)
def test_a_range_claim(interval, verdict, finding):
    conclusion = decide("range", interval, (3.0, 10.0), 0)
    assert (conclusion.verdict.value, conclusion.finding.value) == (verdict, finding)

"""How far the sharpness can be trusted: what is said of the published rule and of the longer searches."""

from __future__ import annotations

from dataclasses import replace

from repro.report.keskar2017.checks import against_the_published_rule
from tests.unit.report.conftest import HERE, sharpnesses

ELSEWHERE = replace(HERE, machine="another processor")


def test_the_published_rule_is_held_against_the_search_of_the_same_weights() -> None:
    rows = list(sharpnesses())
    assert "in **2 of the 5** searches in which it gave an answer; in 1 of 6 it" in against_the_published_rule(rows)
    moved = [replace(row, provenance=ELSEWHERE) if row.seed == 0 and not row.variant else row for row in rows]
    assert "in **1 of the 3** searches in which it gave an answer; in 1 of 4 it" in against_the_published_rule(moved)

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.claims.judge import judge
from repro.claims.table import WIDTH, as_table


@pytest.fixture
def row(declare, pairs):
    return judge(declare(), pairs([98.0, 98.1, 98.3], [97.0, 97.3, 97.2]), "quick")[0]


def test_a_row_is_shown_under_the_sentence_it_judges(row):
    lines = as_table([row]).splitlines()
    assert lines[2] == "K1  The gap"
    assert lines[3].split() == [
        "F1",
        "mnist",
        "reproduced",
        "-0.967",
        "[-1.35,",
        "-0.587]",
        "points",
        "-0.5",
        "3",
    ]


def test_failures_and_findings_are_said(row):
    text = as_table([replace(row, verdict="contradicted", finding="reversed", failed=2, diverged=1)])
    assert "F1: reversed, 2 failed, 1 diverged" in text
    assert "failed" not in as_table([row])


def test_a_row_without_a_value_says_so(row):
    assert "no value" in as_table([replace(row, effect=None, interval=None)])


def test_what_was_not_run_is_listed(row):
    rest = [replace(row, verdict="not run", network=network) for network in ("C1", "C2")]
    assert "Not run: K1 on C1, C2." in as_table([row, *rest])
    assert as_table(rest) == "Not run: K1 on C1, C2."


def test_numbers_from_memory_carry_a_question_mark(row):
    recalled = replace(row, reported={"source": "Table 9", "mark": "recalled", "effect": -0.25})
    assert "-0.25?" in as_table([recalled])
    assert "?" not in as_table([row])


def test_numbers_of_another_network_carry_a_mark_that_names_it(row):
    other = as_table([replace(row, reported={"source": "", "mark": "verified", "effect": 0.1, "network": "ResNet44"})])
    assert "+0.1^" in other
    assert "^ the paper's numbers are those of another network: ResNet44." in other
    assert "^" not in as_table([row])


def test_an_extension_carries_a_star(declare, pairs):
    rows = judge(declare(), pairs([1.0, 2.0], [3.0, 4.0], network="C1"), "quick")
    assert "C1*  mnist" in as_table(rows)
    assert "* an extension" in as_table(rows)


def test_the_longest_usual_names_fit_the_width(row):
    longest = replace(
        row,
        network="C1",
        verdict="inconclusive",
        dataset="mnist-embedded",
        variant="eps=5e-4 published",
        unit="decades",
        title="A long sentence " * 12,
        reported={"source": "text", "mark": "recalled", "effect": [0.4771, 1.0]},
        interval=(-0.000123456, 123.45),
    )
    assert max(map(len, as_table([longest] * 2).splitlines())) <= WIDTH


def test_an_empty_ledger_is_an_empty_text():
    assert as_table([]) == ""

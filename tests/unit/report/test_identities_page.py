"""The theory's page: every formula becomes MathML, and tests, status and staleness are told."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from repro.report.identities import formula, identities_page
from repro.studies.theory import Checked
from repro.theory import identities

ROW = Checked(
    id="minibatch.unbiased",
    title="It is so",
    statement=r"\frac{1}{n} \sum_i g_i = g",
    source="somewhere, eq. 1",
    premises="n > 0",
    without_control="",
    test="tests/theory/test_minibatch.py::test_it",
    control="tests/theory/test_minibatch.py::test_it_is_not",
    status="holds",
)


@pytest.mark.parametrize("known", identities().values(), ids=lambda known: known.id)
def test_every_statement_becomes_mathml_with_nothing_left_of_latex(known: object) -> None:
    (math,) = ET.fromstring(formula(known.statement))  # type: ignore[attr-defined]
    assert math.attrib["display"] == "block"
    text = "".join(math.itertext())
    assert text.strip()
    assert not re.search(r"\\|\b(frac|text|operatorname|sum|quad)\b", text)
    assert not any("merror" in node.tag for node in math.iter())


def test_a_fraction_a_sum_and_an_index_are_where_they_belong() -> None:
    (math,) = ET.fromstring(formula(ROW.statement))
    names = [node.tag.rpartition("}")[2] for node in math.iter()]
    assert [names.count(name) for name in ("mfrac", "munder", "msub")] == [1, 1, 1]


def test_an_identity_stands_with_source_premises_test_and_control() -> None:
    page = identities_page([ROW])
    assert "### It is so { #minibatch-unbiased }" in page
    assert "**✓ holds**{ .verdict .holds }" in page
    assert "*Holds if:* n > 0" in page
    assert "*Source:* somewhere, eq. 1" in page
    assert "- *test* `tests/theory/test_minibatch.py::test_it`\n" in page
    assert "- *negative control* `tests/theory/test_minibatch.py::test_it_is_not`\n" in page
    assert page.startswith("1 identities: 1 hold, 0 fail, 0 not run.\n")
    assert "stale" not in page


def test_what_fails_was_not_run_or_is_stale_is_said() -> None:
    rows = [replace(ROW, status="fails"), replace(ROW, status="not run", test="", control=""), replace(ROW, stale=True)]
    page = identities_page(rows)
    assert page.startswith("3 identities: 1 hold, 1 fail, 1 not run. Of 1 the tests, or the code they reach,")
    assert "**✗ fails**{ .verdict .fails }" in page
    assert "**– not run**{ .verdict .not-run }" in page
    assert page.count("*stale: the code it reaches has changed since*{ .stale }") == 1
    assert "- *test* none recorded\n- *negative control* none recorded" in page


def test_why_there_is_no_control_is_said_in_its_place() -> None:
    assert "- *negative control* no premise\n" in identities_page(
        [replace(ROW, control="", without_control="no premise")]
    )

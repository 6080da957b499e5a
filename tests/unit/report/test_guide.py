"""Advice follows the verdicts on the claims it cites, and cannot cite a claim that no paper has."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.claims import ledger
from repro.errors import DataError
from repro.report.guide import SENTENCES, Papers, guide_page, load_guide, outcome
from repro.report.ledger import SMALL
from repro.report.results import load_results

ADVICE = """
[[advice]]
question = "Is it so?"
claims = ["keskar2017/K1"]
holds = "Yes."
fails = "No."
open = "Who knows."
"""


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([["reproduced", "reproduced"], ["reproduced"]], "borne out"),
        ([["reproduced", "inconclusive"]], "borne out in part"),
        ([["reproduced"], []], "borne out in part"),
        ([[SMALL]], "borne out in part"),
        ([[SMALL], ["contradicted"]], "disputed"),
        ([["contradicted"], ["inconclusive"]], "not borne out"),
        ([["contradicted"], ["reproduced"]], "disputed"),
        ([["contradicted", "reproduced", "inconclusive"]], "disputed"),
        ([["inconclusive"], []], "undecided"),
        ([[], []], "not tested"),
    ],
)
def test_the_outcome_of_an_advice_is_that_of_all_its_claims(verdicts: list[list[str]], said: str) -> None:
    assert outcome(verdicts) == said
    assert said in SENTENCES


def loaded(root: Path, text: str = ADVICE) -> tuple[str, Papers]:
    papers = {"keskar2017": load_results(root / "papers" / "keskar2017")}
    path = root / "guide.toml"
    path.write_text(text)
    return guide_page(load_guide(path, papers), papers, lambda paper, claim: f"{paper}#{claim}"), papers


def test_an_advice_stands_beside_its_claim_with_link_verdict_effect_and_n(checkout: Path) -> None:
    page, _ = loaded(checkout)
    assert "- **[Is it so?](#is-it-so)** Yes. *borne out*{ .outcome .borne-out }" in page
    assert "## Is it so? { #is-it-so }" in page
    assert "- [Keskar et al. 2017, K1](keskar2017#K1): Large-batch training generalises less well" in page
    assert "    - F1 on mnist-embedded, `quick`: **✓ reproduced**{ .verdict .reproduced } as claimed, -5.1 [" in page
    assert page.rstrip().endswith("points, n 3")


@pytest.mark.parametrize(
    ("verdict", "said"), [("contradicted", "No. *not borne out*"), ("inconclusive", "Who knows. *undecided*")]
)
def test_another_verdict_gives_another_sentence(checkout: Path, verdict: str, said: str) -> None:
    path = checkout / "papers/keskar2017/results/quick/ledger.json"
    path.write_text(path.read_text().replace('"verdict": "reproduced"', f'"verdict": "{verdict}"'))
    (row,) = [row for row in ledger.read(path) if row.claim == "K1" and not row.variant and row.n]
    assert row.verdict == verdict
    page, _ = loaded(checkout)
    assert said in page
    assert "Yes." not in page


def test_what_was_not_run_is_said(clone: Path) -> None:
    page, _ = loaded(clone)
    assert "Who knows. *not tested*" in page
    assert "    - not run" in page


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("keskar2017/K99", "'keskar2017/K99' must name a claim of keskar2017, which has K1, K2,"),
        ("nobody1999/K1", "'nobody1999/K1' must name one of the papers keskar2017"),
        ("K1", "'K1' must name one of the papers"),
    ],
)
def test_a_claim_that_no_paper_has_cannot_be_cited(clone: Path, name: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        loaded(clone, ADVICE.replace("keskar2017/K1", name))


@pytest.mark.parametrize("key", ["question", "claims", "holds", "fails", "open"])
def test_an_advice_without_one_of_its_parts_is_refused(clone: Path, key: str) -> None:
    with pytest.raises(DataError, match=key):
        loaded(clone, "\n".join(line for line in ADVICE.splitlines() if not line.startswith(key)))

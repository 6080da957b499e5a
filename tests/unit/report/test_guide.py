"""Advice follows the verdicts on the claims it cites, and cannot cite a claim that no paper has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

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


def test_beside_a_claim_stands_which_way_round_its_effect_is(checkout: Path) -> None:
    page, _ = loaded(checkout, ADVICE.replace('"keskar2017/K1"', '"keskar2017/K1", "keskar2017/K3", "keskar2017/K2"'))
    assert "lower than that of small-batch training. The effect is LB - SB.\n" in page
    assert "are sharper in the full space. The effect is LB / SB.\n" in page
    assert "The effect is what is measured: LB run: highest test accuracy of any epoch" in page


def test_rows_that_vary_a_choice_stand_under_their_claim(checkout: Path, made: SimpleNamespace) -> None:
    best = [
        made.observation("K1", "best-test-accuracy", value + 0.1 * seed, arm=arm, variant="best-epoch", seed=seed)
        for seed in (0, 1, 2)
        for arm, value in (("SB", 96.0), ("LB", 91.0 + 0.01 * seed))
    ]
    one = [made.observation("K1", "test-accuracy", 90.0, arm=arm, variant="rate=3") for arm in ("SB", "LB")]
    made.record(checkout, [*made.everything(), *best, *one])
    page, _ = loaded(checkout)
    assert page.rstrip().endswith(
        "    - Rows that vary a choice:\n"
        "        - `best-epoch` (The gap remains when each run is stopped at its best epoch): "
        "F1 **✓ reproduced**{ .verdict .reproduced }\n"
        "        - undecided: `rate=3`"
    )
    page, _ = loaded(checkout, ADVICE.replace("K1", "K1/best-epoch"))
    assert "Yes. *borne out*" in page
    assert "[Keskar et al. 2017, K1 best-epoch](keskar2017#K1): The gap remains" in page
    assert "Rows that vary" not in page
    page, _ = loaded(checkout, ADVICE.replace("K1", "K1/rate=3"))
    assert "Who knows. *undecided*" in page


def test_where_to_read_on_stands_in_the_section_alone(checkout: Path) -> None:
    page, _ = loaded(checkout, ADVICE + 'more = "See [there](there.md)."\n')
    assert "\n\nSee [there](there.md).\n\n" in page
    assert page.count("there.md") == 1


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
        (
            "keskar2017/K1/last-epoch",
            "'keskar2017/K1/last-epoch' must name a row of K1, which has best-epoch, rate=0.3",
        ),
        ("keskar2017/K2/last-epoch", "must name a row of K2, which has none"),
    ],
)
def test_a_claim_that_no_paper_has_cannot_be_cited(clone: Path, name: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        loaded(clone, ADVICE.replace("keskar2017/K1", name))


@pytest.mark.parametrize("key", ["question", "claims", "holds", "fails", "open"])
def test_an_advice_without_one_of_its_parts_is_refused(clone: Path, key: str) -> None:
    with pytest.raises(DataError, match=key):
        loaded(clone, "\n".join(line for line in ADVICE.splitlines() if not line.startswith(key)))

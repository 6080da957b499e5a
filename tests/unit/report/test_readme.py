"""What stands between markers of the README is generated; the rest of the file is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from repro.claims.loading import load_claims
from repro.errors import DataError
from repro.report.guide import load_guide
from repro.report.readme import readme_parts, rewritten
from repro.report.results import load_results
from repro.report.site import write_site

BLOCK = "<!-- verdicts:begin -->\nwhatever\n<!-- verdicts:end -->"

SAID = {"verdicts": "Said.\n"}
KEYS = ("keskar2017", "hoffer2017", "smith2018", "article")


def parts(root: Path) -> Mapping[str, str]:
    papers = {key: load_results(root / "papers" / key) for key in KEYS}
    return readme_parts(papers, load_guide(root / "papers" / "guide.toml", papers), "docs/verdicts.svg")


def test_only_the_block_changes_and_a_second_time_nothing_does() -> None:
    text = rewritten(f"# Title\n\nBefore.\n{BLOCK}\nAfter, no newline", SAID)
    assert text == "# Title\n\nBefore.\n<!-- verdicts:begin -->\nSaid.\n<!-- verdicts:end -->\nAfter, no newline"
    assert rewritten(text, SAID) == text


def test_the_table_counts_claims_and_verdicts(checkout: Path) -> None:
    text = parts(checkout)["verdicts"]
    smith, article = (len(load_claims(checkout / "papers" / key)) for key in KEYS[2:])
    assert text.startswith(
        f"Of {29 + smith + article} claims in 4 papers, 3 have been put to the test, on one or more networks and data "
        "sets, which gave 3 verdicts: 1 reproduced, 1 contradicted and 1 inconclusive.\n"
    )
    assert "| Keskar et al. 2017 | 16 | 3 | 1 | 1 | 1 |" in text
    assert f"| Smith et al. 2018 | {smith} | 0 | 0 | 0 | 0 |" in text


def test_the_advice_that_the_verdicts_settle_is_given_and_the_rest_is_counted(checkout: Path) -> None:
    lines = parts(checkout)["guide"].splitlines()
    said = [line for line in lines if line.startswith("- ")]
    assert [line.rpartition(" (")[2] for line in said] == [
        "borne out in part: K1 quick, H1 not run, A1 not run)",
        "not borne out: K3 quick)",
    ]
    assert "- **Should I look at sharpness to choose a batch?** No: sharpness did not go with" in said[1]
    (rest,) = [line for line in lines if line.startswith("Open so far:")]
    left, of = (int(word) for word in rest.split() if word.isdigit())
    assert of - left == len(said)


def test_without_evidence_the_parts_say_so(clone: Path) -> None:
    assert "0 have been put to the test" in parts(clone)["verdicts"]
    assert [line[:4] for line in parts(clone)["guide"].splitlines()] == ["Open"]


def test_a_readme_without_markers_is_left_alone() -> None:
    assert rewritten("# Title\n", SAID) == "# Title\n"


def test_papers_stand_in_the_order_in_which_they_appeared(clone: Path) -> None:
    path = clone / "README.md"
    path.write_text(BLOCK)
    assert path in write_site(clone)
    names = [line.split(" | ")[0] for line in path.read_text().splitlines() if " et al. " in line]
    assert names == ["| Keskar et al. 2017", "| Hoffer et al. 2017", "| Smith et al. 2018"]


@pytest.mark.parametrize(
    "text",
    [
        "<!-- verdicts:begin -->",
        "<!-- verdicts:end -->",
        "<!-- verdicts:end --> <!-- verdicts:begin -->",
        f"{BLOCK} {BLOCK}",
    ],
)
def test_markers_that_do_not_enclose_one_part_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="Put both back"):
        rewritten(text, SAID)

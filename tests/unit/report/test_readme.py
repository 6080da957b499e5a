"""The block of the README between its markers is generated; the rest of the file is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import DataError
from repro.report.readme import rewrite
from repro.report.results import load_results
from repro.report.site import write_site

BLOCK = "<!-- verdicts:begin -->\nwhatever\n<!-- verdicts:end -->"


def rewritten(root: Path, text: str) -> str:
    path = root / "README.md"
    path.write_text(text)
    rewrite(path, [load_results(root / "papers" / "keskar2017")])
    return path.read_text()


def test_only_the_block_changes_and_a_second_report_changes_nothing(checkout: Path) -> None:
    text = rewritten(checkout, f"# Title\n\nBefore.\n{BLOCK}\nAfter, no newline")
    assert text.startswith("# Title\n\nBefore.\n<!-- verdicts:begin -->\n**Keskar et al. 2017**\n\n| claim |")
    assert text.endswith("<!-- verdicts:end -->\nAfter, no newline")
    assert "whatever" not in text
    assert rewritten(checkout, text) == text


def test_the_block_has_a_verdict_for_every_claim_and_the_sentence_that_counts_them(checkout: Path) -> None:
    text = rewritten(checkout, BLOCK)
    assert "| claim | F1, mnist-embedded (`quick`) |" in text
    for claim, verdict in (("K1", "reproduced"), ("K3", "contradicted"), ("K4", "not run"), ("K16", "not run")):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {claim} ")]
        assert line.endswith(f"| {verdict} |")
    assert "of 3 claims judged, 1 reproduced, 1 contradicted and 1 inconclusive" in text


def test_without_evidence_the_block_says_that_nothing_was_run(clone: Path) -> None:
    assert "Nothing has been run: `repro reproduce keskar2017` does it." in rewritten(clone, BLOCK)


def test_a_readme_without_markers_is_left_alone(checkout: Path) -> None:
    assert rewritten(checkout, "# Title\n") == "# Title\n"


def test_papers_stand_in_the_order_in_which_they_appeared(clone: Path) -> None:
    path = clone / "README.md"
    path.write_text(BLOCK)
    write_site(clone)
    names = [line for line in path.read_text().splitlines() if line.startswith("**")]
    assert names == ["**Keskar et al. 2017**", "**Hoffer et al. 2017**", "**Smith et al. 2018**"]


def test_a_report_writes_the_block_too_and_says_so(clone: Path) -> None:
    path = clone / "README.md"
    path.write_text(BLOCK)
    assert path in write_site(clone)
    assert "whatever" not in path.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "<!-- verdicts:begin -->",
        "<!-- verdicts:end -->",
        "<!-- verdicts:end --> <!-- verdicts:begin -->",
        f"{BLOCK} {BLOCK}",
    ],
)
def test_markers_that_do_not_enclose_one_block_are_refused_and_nothing_is_lost(checkout: Path, text: str) -> None:
    with pytest.raises(DataError, match="Put both back"):
        rewritten(checkout, text)
    assert (checkout / "README.md").read_text() == text

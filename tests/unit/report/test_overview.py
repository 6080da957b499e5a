"""The home page: one row for every verdict, and the picture that shows the same."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from repro.report import ledger
from repro.report.cost import duration
from repro.report.overview import overview
from repro.report.results import load_results
from repro.report.verdict_map import verdict_map
from repro.report.verdicts import matrix

PARTS = Path("docs", "results", "parts")
SVG = "{http://www.w3.org/2000/svg}"


def test_the_ledger_has_one_row_for_every_verdict(site: Path) -> None:
    text = (site / PARTS / "ledger.md").read_text()
    rows = [line for line in text.splitlines() if "`repro reproduce" in line and "not run" not in line]
    assert [line.split("[")[1].split("]")[0] for line in rows] == ["K1", "K3", "K5"]
    (first, _, _) = rows
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    assert cells[0] == "Keskar et al. 2017"
    assert cells[1].startswith("[K1](results/keskar2017.md#k1) Large-batch training generalises less well")
    assert cells[2:5] == ["F1", "mnist-embedded", "quick"]
    assert cells[5] == "**✓ reproduced**{ .verdict .reproduced } as claimed"
    assert cells[6] == "-0.22"
    assert cells[7].startswith("-5.1 [")
    assert cells[8:] == ["3", "69\N{NO-BREAK SPACE}s", "`repro reproduce keskar2017 --profile quick --only K1`"]


def test_a_claim_that_nobody_judged_has_a_row_where_the_first_profile_would_judge_it(site: Path) -> None:
    text = (site / PARTS / "ledger.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| Keskar") and "not run" in line]
    assert [line.split("[")[1].split("]")[0] for line in rows] == [f"K{n}" for n in (2, 4, *range(6, 17))]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert cells[0][2:6] == ["F1\\*", "mnist-embedded", "quick", "**– not run**{ .verdict .not-run }"]
    assert cells[0][7:10] == ["—", "—", "—"]
    assert {each[4] for each in cells if each[1].startswith("[K11]")} == {"laptop"}


def test_failed_and_diverged_runs_stand_beside_n(site: Path) -> None:
    (line,) = [line for line in (site / PARTS / "ledger.md").read_text().splitlines() if "| [K5](" in line]
    assert "| 3, 2 diverged |" in line


def test_the_overview_names_every_claim_once_under_its_verdict(site: Path) -> None:
    lines = (site / PARTS / "overview.md").read_text().splitlines()
    keskar, hoffer, *_ = (line for line in lines if line.startswith("- "))
    reproduced, contradicted, inconclusive, idle = keskar.split("; ")
    assert '✓ reproduced [K1](results/keskar2017.md#k1 "Large-batch training generalises less well: ' in reproduced
    assert "✗ contradicted [K3]" in contradicted
    assert "? inconclusive [K5]" in inconclusive
    assert all(f"[K{number}]" in idle for number in range(6, 17))
    assert keskar.endswith(" (`quick` only).")
    assert "– not run [H1]" in hoffer
    assert "only" not in hoffer.rpartition('"')[2]


def test_a_claim_with_two_verdicts_names_the_networks_of_each(checkout: Path) -> None:
    (results,) = [each for each in load_results(checkout / "papers" / "keskar2017") if each.observations]
    (row,) = [row for row in results.ledger if row.claim == "K1" and not row.variant and row.n]
    both = replace(results, ledger=[*results.ledger, replace(row, network="F2", verdict="inconclusive")])
    line = overview([[both]], lambda paper, claim: f"{paper}#{claim}")
    links = re.sub(r' "[^"]+"', "", line)
    assert "✓ reproduced [K1](keskar2017#K1) (F1);" in links
    assert "? inconclusive [K1](keskar2017#K1) (F2) and [K5](keskar2017#K5);" in links


def test_what_holds_by_less_than_its_margin_looks_different(checkout: Path) -> None:
    (results,) = [each for each in load_results(checkout / "papers" / "keskar2017") if each.observations]
    small = replace(
        results, ledger=[replace(row, finding="smaller than the margin") for row in results.ledger if row.n]
    )
    titles = [each.text or "" for each in ET.fromstring(verdict_map([[small]])).iter(f"{SVG}title")]
    assert sum(title.endswith(": ✓ reproduced, but small") for title in titles if title.startswith("K")) == 3
    assert "**✓ reproduced**{ .verdict .reproduced }, but small |" in matrix([small])


def test_a_number_of_another_network_stands_with_its_name(checkout: Path) -> None:
    (results,) = [each for each in load_results(checkout / "papers" / "keskar2017") if each.observations]
    other = replace(
        results.ledger[0], reported={"mark": "verified", "effect": 0.1, "network": "ResNet44"}, unit="points"
    )
    assert ledger.reported(other) == "+0.1 (ResNet44)"
    assert "the only one it has it for" in ledger.notes([other])
    assert "the only one" not in ledger.notes(results.ledger)


@pytest.mark.parametrize(
    ("factor", "told"), [(0.987, "×0.987"), (1.0048, "×1.00"), (1.3, "×1.30"), (0.013, "×0.013"), (3270.4, "×3,270")]
)
def test_factors_near_1_have_a_digit_more(checkout: Path, factor: float, told: str) -> None:
    (results,) = [each for each in load_results(checkout / "papers" / "keskar2017") if each.observations]
    row = replace(results.ledger[0], effect=math.log10(factor), interval=None, unit="decades")
    assert ledger.effect(row) == told


def test_a_margin_is_told_in_its_unit_and_a_range_by_its_ends(checkout: Path) -> None:
    (results,) = [each for each in load_results(checkout / "papers" / "keskar2017") if each.observations]
    claims = {claim.id: claim.primary for claim in results.claims}
    rows = {row.claim: row for row in results.ledger if row.network == "F1" and not row.variant}
    told = {claim: ledger.margin(rows[claim], claims[claim]) for claim in ("K1", "K3", "K10")}
    assert told == {"K1": "0.11 points", "K3": "×2", "K10": "×3 to ×10"}


def squares(root: Path) -> list[str]:
    papers = [load_results(root / "papers" / key) for key in ("keskar2017", "hoffer2017")]
    titles = ET.fromstring(verdict_map(papers)).iter(f"{SVG}title")
    return [str(title.text) for title in titles if str(title.text)[0] == "K"]


def test_the_picture_has_a_square_for_every_claim_at_every_place(checkout: Path) -> None:
    found = squares(checkout)
    assert len(found) == 16
    assert found[0].startswith("K1, F1, mnist-embedded: Large-batch")
    assert found[0].endswith(": ✓ reproduced")
    assert found[2].endswith(": ✗ contradicted")
    assert found[4].endswith(": ? inconclusive")
    assert found[5].endswith(": – not run")


def test_without_evidence_the_picture_says_that_nothing_was_run(clone: Path) -> None:
    assert squares(clone) == []
    papers = [load_results(clone / "papers" / "keskar2017")]
    assert b">not run</text>" in verdict_map(papers)


def test_a_duration_is_told_in_the_unit_that_is_read_most_easily() -> None:
    told = [duration(seconds).replace("\N{NO-BREAK SPACE}", " ") for seconds in (0, 41.4, 99, 720, 5940, 8280)]
    assert told == ["—", "41 s", "99 s", "12 min", "99 min", "2.3 h"]

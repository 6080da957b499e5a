"""The pages, from made evidence: what was recorded is on them, and what was not run is said."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from types import SimpleNamespace

from repro.claims import ledger
from repro.claims.evidence import Observation
from repro.report.exhibition import exhibition
from repro.report.page import paper_page
from repro.report.results import load_results
from repro.report.site import stale_files, write_site

RESULTS = Path("docs", "results")


def read(root: Path) -> str:
    return (root / RESULTS / "keskar2017.md").read_text()


def page(root: Path) -> str:
    write_site(root)
    return read(root)


def section(text: str, anchor: str) -> str:
    """The part of the page under the heading with this anchor, up to the next heading."""
    _, _, rest = text.partition(f"{{ #{anchor} }}\n")
    assert rest, anchor
    return rest.partition("\n#")[0]


def claim(text: str, name: str) -> str:
    """The section of a claim."""
    return section(text, name.lower())


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def points(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))[1:]


def test_every_row_that_was_run_stands_under_its_claim_with_verdict_effect_and_counts(site: Path) -> None:
    rows = ledger.read(site / "papers/keskar2017/results/quick/ledger.json")
    ran = [row for row in rows if row.verdict != "not run"]
    assert {row.claim for row in ran} == {"K1", "K3", "K5"}
    for row in ran:
        shown = claim(read(site), row.claim)
        name = f"`{row.variant}`" if row.variant else "primary"
        counts = f"| {row.n}{', 1 failed' * (row.failed == 1)}{', 2 diverged' * (row.diverged == 2)} |"
        (line,) = lines_with(shown, f"| {name}", f"{row.verdict}**", f"| {row.finding} |", counts, row.test)
        assert row.unit == "decades" or row.effect is None or f"{row.effect:+.3g}" in line


def test_a_difference_of_logarithms_is_told_as_a_factor(site: Path) -> None:
    shown = claim(read(site), "K3")
    (line,) = lines_with(shown.partition("<details")[0], "✗ contradicted", "| ×0.011 [×0.0")
    assert "| ×167 |" in line  # 205.14 / 1.23, of the paper's Table 3


def test_every_claim_is_in_the_matrix_and_under_its_anchor_and_says_where_it_was_not_run(site: Path) -> None:
    text = read(site)
    shown = section(text, "verdicts")
    for number in range(1, 17):
        (line,) = lines_with(shown, f"| [K{number}](#k{number}) ")
        below = claim(text, f"K{number}")
        (idle,) = lines_with(below, "Not run on ")
        assert line.endswith("| — |") is (number not in (1, 3, 5))
        assert ("F1" in idle) is (number not in (1, 3, 5))
        assert all(network in idle for network in ("C1", "C2", "C3", "C4"))


def test_a_contradiction_is_printed_as_plainly_as_a_reproduction(site: Path) -> None:
    text, home = read(site), (site / RESULTS / "parts" / "ledger.md").read_text()
    for shown in (section(text, "verdicts"), claim(text, "K1"), home):
        assert lines_with(shown, "K1" if shown != claim(text, "K1") else "as claimed", "✓ reproduced")
    for shown in (section(text, "verdicts"), home):
        assert lines_with(shown, "[K3]", "✗ contradicted")
    for where in (text, (site / RESULTS / "index.md").read_text()):
        assert "of 3 claims judged, 1 reproduced, 1 contradicted and 1 inconclusive" in where


def test_table_2_stands_beside_the_papers_numbers(site: Path) -> None:
    shown = section(read(site), "quick-table-2")
    assert lines_with(shown, "| SB |", "| 95.10 ± 0.10 | 98.03 ± 0.07 | 3, 0, 0 |", "| 0.01 ± 0.00 |")
    assert lines_with(shown, "| LB |", "| 90.00 ± 0.00 | 97.81 ± 0.07 | 3, 0, 0 |")


def test_a_diverged_run_is_counted_and_not_averaged(clone: Path, made: SimpleNamespace) -> None:
    kept = [row for row in made.everything() if (row.claim, row.arm, row.seed) != ("K1", "LB", 2)]
    run = {"arm": "LB", "seed": 2, "spec": "LB2"}
    gone = [
        made.lost("K1", quantity, "diverged", **run) for quantity in ("test-accuracy", "train-loss", "train-accuracy")
    ]
    made.record(clone, [*kept, *gone])
    text = page(clone)
    assert lines_with(section(text, "quick-table-2"), "| LB |", "| 90.00 ± 0.00 |", "| 3, 0, 1 |")
    assert ": LB n 3, 1 diverged." in section(text, "quick-fig-2")
    drawn = points(clone / RESULTS / "keskar2017" / "quick-F1-fig2.csv")
    assert {row[2] for row in drawn if row[1] == "LB"} == {"0", "1", "mean"}


def test_table_3_counts_failed_searches_and_both_rules_stand_side_by_side(site: Path) -> None:
    shown = section(read(site), "quick-table-3")
    assert lines_with(shown, "| 1e-3 | SB | 1.23 ± 0.83 | 1,001 ± 1.00 | 3, 0, 0 |", "| 633.37 ± 548.43 | 3, 0, 0 |")
    assert lines_with(shown, "| 1e-3 | LB | 205.14 ± 69.52 | 11.00 ± 1.00 | 3, 0, 0 |", "| 9.50 ± 0.00 | 3, 1, 0 |")
    assert lines_with(shown, "LB / SB | 166.78 | 0.011 |")


def test_how_often_the_published_rule_missed_is_counted_from_the_evidence(site: Path) -> None:
    shown = section(read(site), "quick-table-3")
    assert "more than 10 % in **2 of the 5** searches in which it gave an answer; in 1 of 6 it gave none" in shown
    assert "The worst: 0.10 where the search found 1,000 (F1 SB, seed 0, ε 1e-3)." in shown


def test_a_claim_says_why_a_run_gave_no_value(site: Path) -> None:
    said = section(read(site), "k3")
    assert lines_with(said, "- `quick`, F1, `published`, 1 of LB: it failed")
    assert "Without a value" not in section(read(site), "k1")


def test_a_minimum_where_the_search_stayed_short_of_a_longer_one_is_a_row(site: Path) -> None:
    shown = section(read(site), "quick-table-3")
    assert "came within 1 % of a longer one in **5 of 6** minima (of F1)" in shown
    assert lines_with(shown, "| F1 LB, seed 2, ε 1e-3 | 12.00 | 13.00 | 7.69 % | 48 | 480 |")
    assert lines_with(shown, "| F1 LB, seed 1, ε 1e-3 | 11.00 | 11.00 | 0.00 % | 48 | 480 |")


def test_command_commit_seeds_time_data_set_and_runs_are_folded_under_each_exhibit(site: Path) -> None:
    text = read(site)
    for anchor, number, seeds, time, runs in (
        ("table-2", "K1", "0, 1, 2", "training 6 runs 69 s", "`LB0`, `LB1`, `LB2`, `SB0`, `SB1`, `SB2`"),
        ("table-3", "K3", "0, 1, 2", "training 6 runs 69 s, measuring 19 s", "`LB0`, `LB1`, `LB2`"),
        ("fig-3", "K5", "0, 1, 2", "training 4 runs 44 s, measuring 7 s", "`LB0`, `LB1`, `SB0`, `SB1`"),
        ("fig-6", "K9", "0", "training 2 runs 21 s", "`LB0`, `SB0`"),
    ):
        folded = section(text, f"quick-{anchor}").partition("<summary>")[2].replace("\N{NO-BREAK SPACE}", " ")
        assert lines_with(folded, f"*command* `repro reproduce keskar2017 --profile quick --only {number}`")
        for fact in ("*commit* `abc123`", f"*seeds* {seeds}", f"*by the clock* {time}", "*data set* mnist-embedded"):
            assert f"- {fact}\n" in folded
        assert f"*runs* {runs}" in folded


def test_a_table_links_to_the_evidence_behind_it(site: Path) -> None:
    name = "keskar2017/quick-table-3.csv"
    assert f"[The numbers behind it]({name})" in section(read(site), "quick-table-3")
    rows = points(site / RESULTS / name)
    assert ["K3", "published", "F1", "mnist-embedded", "LB", "1", "sharpness", "", "nan", "failed"] in [
        r[:10] for r in rows
    ]
    assert {row[0] for row in rows} == {"K3"}


def test_an_exhibit_without_evidence_is_named_and_has_no_section_and_no_figure(site: Path) -> None:
    text = read(site)
    (line,) = lines_with(text, "**Not run** in any profile:")
    assert "Table 4" in line
    assert "Fig. 7" in line
    assert "#quick-table-4" not in text
    assert not list((site / RESULTS).rglob("*fig7*"))


def test_a_fresh_clone_has_a_page_on_which_nothing_was_run(clone: Path) -> None:
    text = page(clone)
    for profile in ("quick", "laptop", "paper"):
        command = f"repro reproduce keskar2017 --profile {profile}"
        assert f"Profile `{profile}`: **not run**; `{command}` makes its evidence." in text
    assert "Nothing has been run" in text
    assert {path.stem for path in (clone / RESULTS / "keskar2017").glob("*.svg")} == {"authors-fig3"}


def test_a_file_that_is_missing_leaves_the_rest_of_the_page(checkout: Path) -> None:
    def text() -> str:
        profiles = load_results(checkout / "papers/keskar2017")
        return paper_page(profiles, exhibition(profiles))

    whole, results = text(), checkout / "papers/keskar2017/results/quick"
    (results / "ledger.json").unlink()
    assert text() == whole
    (results / "curves.parquet").unlink()
    (results / "runs.parquet").unlink()
    assert section(text(), "verdicts") == section(whole, "verdicts")


def test_every_figure_that_has_evidence_is_linked_with_its_data(site: Path) -> None:
    text, folder = read(site), site / RESULTS
    for number in range(2, 7):
        name = f"keskar2017/quick-F1-fig{number}"
        assert f"]({name}.svg)" in text
        assert f"[The data]({name}.csv)" in text
        assert (folder / f"{name}.svg").read_bytes().startswith(b"<?xml")


def test_the_data_of_a_figure_are_the_recorded_points_and_their_mean(site: Path) -> None:
    rows = points(site / RESULTS / "keskar2017" / "quick-F1-fig3.csv")
    loss = [row for row in rows if row[0].endswith("nats") and row[1] == "train" and float(row[3]) == 2.0]
    assert [(row[2], float(row[4])) for row in loss] == [("0", 4.0), ("1", 5.0), ("mean", 4.5)]
    low, high = map(float, loss[-1][5:])
    assert 4.5 - low == high - 4.5 > 6.3  # t(0.975, 1) * 0.5 = 6.35


def test_the_authors_own_curve_is_drawn_beside_ours_where_they_released_it(clone: Path, made: SimpleNamespace) -> None:
    def on_c1(row: Observation) -> Observation:
        return made.observation(**{**vars(row), "network": "C1", "dataset": "cifar10-10k", "profile": "laptop"})

    made.record(clone, [on_c1(row) for row in made.everything() if row.claim == "K5"], "laptop")
    shown = section(page(clone), "laptop-fig-3")
    assert "Right: the authors' released figure, one pair." in shown
    assert "cifar10-10k (sharpness, paths and curvature on 5,000 examples)" in shown
    theirs = [row for row in points(clone / RESULTS / "keskar2017" / "laptop-C1-fig3.csv") if row[2] == "authors"]
    assert ["C1, the authors' figure: cross-entropy, nats", "train", "authors", "0.75", "0.8739", "", ""] in theirs
    assert len(theirs) == 4 * 25


def test_the_same_evidence_gives_the_same_bytes_and_other_evidence_does_not(clone: Path, made: SimpleNamespace) -> None:
    def written() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in write_site(clone)}

    rows = [row for row in made.everything() if row.claim in ("K1", "K9")]
    made.record(clone, rows)
    first = written()
    made.record(clone, rows[::-1])
    assert written() == first
    made.record(clone, [row for row in rows if (row.claim, row.seed) != ("K1", 2)])
    changed = {name for name, content in written().items() if content != first[name]}
    assert {"quick-F1-fig2.svg", "quick-F1-fig2.csv", "keskar2017.md"} <= changed
    assert "quick-F1-fig6.svg" not in changed


def test_what_an_earlier_report_wrote_and_this_one_does_not_is_deleted(checkout: Path) -> None:
    old, kept = (checkout / RESULTS / name for name in ("keskar2017/quick-F1-fig7.svg", "notes.txt"))
    old.parent.mkdir(parents=True)
    old.touch()
    kept.touch()
    written = write_site(checkout)
    assert not old.exists()
    assert kept.exists()
    assert sorted([*written, kept]) == sorted(path for path in (checkout / "docs").rglob("*") if path.is_file())


def test_the_choices_are_a_page_of_their_own_that_the_papers_page_links_to(site: Path) -> None:
    assert "[choices](keskar2017-choices.md)" in read(site)
    copied = (site / RESULTS / "keskar2017-choices.md").read_bytes()
    assert copied == (site / "papers/keskar2017/choices.md").read_bytes()


def test_a_paper_without_tables_and_figures_of_its_own_has_its_ledger(clone: Path) -> None:
    folder = (clone / "papers/keskar2017").rename(clone / "papers/another2020")
    for other in ("article", "hoffer2017", "smith2018"):
        shutil.rmtree(clone / "papers" / other)
    (clone / "papers/guide.toml").unlink()
    paper = folder / "paper.toml"
    paper.write_text(paper.read_text().replace('key = "keskar2017"', 'key = "another2020"'))
    written = {path.name for path in write_site(clone) if path.parent == clone / RESULTS}
    assert written == {"index.md", "another2020.md", "another2020-choices.md"}
    assert "Not run on F1, F2, C1, C2, C3, C4." in claim((clone / RESULTS / "another2020.md").read_text(), "K16")


def test_a_page_that_is_older_than_its_evidence_is_found_and_nothing_is_written(
    checkout: Path, made: SimpleNamespace
) -> None:
    write_site(checkout)
    assert stale_files(checkout) == []
    made.record(checkout, [row for row in made.everything() if row.claim == "K1" and row.seed < 2])
    before = read(checkout)
    found = {path.name for path in stale_files(checkout)}
    assert {"keskar2017.md", "quick-F1-fig2.svg", "quick-F1-fig3.svg", "verdicts.svg"} <= found
    assert "quick-F1-fig3.csv" in found  # the figure is no longer drawn
    assert read(checkout) == before


def test_where_no_page_was_built_only_what_is_committed_can_be_stale(checkout: Path) -> None:
    assert stale_files(checkout) == [checkout / "docs" / "verdicts.svg"]
    write_site(checkout)
    shutil.rmtree(checkout / RESULTS)
    assert stale_files(checkout) == []

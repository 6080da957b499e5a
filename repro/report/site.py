"""`repro report`: from the recorded evidence to docs/results, and to what of it is committed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from repro.atomic import write_bytes
from repro.claims.paper import load_paper
from repro.report.command_line import command_line_page
from repro.report.exhibition import exhibition
from repro.report.guide import guide_page, load_guide
from repro.report.identities import identities_page
from repro.report.overview import across, overview, papers_page
from repro.report.page import paper_page
from repro.report.readme import readme_parts, rewritten
from repro.report.results import Results, load_results
from repro.report.tally import overall
from repro.report.verdict_map import verdict_map
from repro.studies import theory
from repro.studies.papers import papers_folder

PICTURE = "docs/verdicts.svg"
"""Committed, as the README is; all else is written to docs/results, which is not."""
_WRITTEN = (".md", ".svg", ".csv", ".json")


def write_site(root: Path | None = None, parser: argparse.ArgumentParser | None = None) -> list[Path]:
    """Write the pages, their figures and data, the README's generated parts and its picture; nothing is trained.

    Args:
        root: the checkout; by default the one around the package or the working directory.
        parser: of the command line, whose help is a page; no such page without it.

    Returns:
        the files written, sorted. What an earlier report wrote and this one does not is deleted.

    Raises:
        UsageError: there is no `papers/` folder.
        StorageError, DataError: evidence that is there cannot be read, or a file not written.
    """
    files = _files(_base(root), parser)
    for path, content in files.items():
        if not path.exists() or path.read_bytes() != content:
            write_bytes(path, content)
    for path in _left_over(_base(root), files):
        path.unlink()
    return sorted(files)


def stale_files(root: Path | None = None, parser: argparse.ArgumentParser | None = None) -> list[Path]:
    """What differs from the evidence: in docs/results if there is one, in the README, and the picture.

    Args and raises as `write_site`; nothing is written.
    """
    base = _base(root)
    files = _files(base, parser)
    built = (base / "docs" / "results").is_dir()
    held = {path: content for path, content in files.items() if built or not path.is_relative_to(base / "docs/results")}
    changed = [path for path, content in held.items() if not path.exists() or path.read_bytes() != content]
    return sorted([*changed, *_left_over(base, files)])


def _base(root: Path | None) -> Path:
    return papers_folder().parent if root is None else root


def _files(base: Path, parser: argparse.ArgumentParser | None) -> dict[Path, bytes]:
    """Every file of the report with its content."""
    folders = sorted((path.parent for path in (base / "papers").glob("*/paper.toml")), key=_first_published)
    papers = {folder.name: load_results(folder) for folder in folders}
    advice = load_guide(base / "papers" / "guide.toml", papers)
    pages = {
        "index.md": papers_page(list(papers.values())),
        "parts/overall.md": overall(list(papers.values())) + "\n",
        "parts/overview.md": overview(list(papers.values()), _from_home),
        "parts/ledger.md": across(list(papers.values()), _from_home),
        "parts/guide.md": guide_page(advice, papers, _from_home),
        "parts/theory.md": identities_page(theory.read(base)),
        "parts/command-line.md": command_line_page(parser) if parser else "",
    }
    files = {name: text.encode() for name, text in pages.items()}
    for folder in folders:
        files |= _paper(folder, papers[folder.name])
    readme = base / "README.md"
    found = {base / "docs" / "results" / name: content for name, content in files.items()}
    found[base / PICTURE] = verdict_map(list(papers.values()))
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
        found[readme] = rewritten(text, readme_parts(papers, advice, PICTURE)).encode()
    return found


def _first_published(folder: Path) -> tuple[int, str, str]:
    """Papers stand in the order of their years; within a year in that in which arXiv had them."""
    paper = load_paper(folder)
    return paper.year, paper.arxiv, folder.name


def _from_home(paper: str, claim: str) -> str:
    return f"results/{paper}.md" + (f"#{claim.lower()}" if claim else "")


def _paper(folder: Path, profiles: list[Results]) -> Mapping[str, bytes]:
    """The files of one paper's page, by their path under docs/results."""
    key, choices, reading = folder.name, folder / "choices.md", folder / "reading.md"
    shown = exhibition(profiles)
    said = reading.read_text(encoding="utf-8") if reading.exists() else ""
    text = paper_page(profiles, shown, f"{key}-choices.md" if choices.exists() else "", said)
    files = {f"{key}.md": text.encode()} | {f"{key}/{name}": content for name, content in shown.files.items()}
    return files | ({f"{key}-choices.md": choices.read_bytes()} if choices.exists() else {})


def _left_over(base: Path, files: Mapping[Path, bytes]) -> list[Path]:
    """What an earlier report wrote into docs/results."""
    found = (base / "docs" / "results").rglob("*")
    return [path for path in found if path.suffix in _WRITTEN and path not in files]

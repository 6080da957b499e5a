"""`repro report`: from the recorded evidence to docs/results, and to the README's verdict table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from repro.atomic import write_bytes
from repro.claims.paper import load_paper
from repro.report import readme
from repro.report.drawing import as_svg
from repro.report.figure import as_csv
from repro.report.markdown import blocks
from repro.report.page import GENERATED, citation, paper_page, summary
from repro.report.results import Results, load_results
from repro.studies.papers import papers_folder

_WRITTEN = (".md", ".svg", ".csv")


def write_site(root: Path | None = None) -> list[Path]:
    """Write the pages, their figures and the figures' data, and the block in the README; nothing is trained.

    Args:
        root: the checkout; by default the one around the package or the working directory.

    Returns:
        the files written, sorted. What an earlier report wrote and this one does not is deleted.

    Raises:
        UsageError: there is no `papers/` folder.
        StorageError, DataError: evidence that is there cannot be read, or a file not written.
    """
    base = papers_folder().parent if root is None else root
    folders = sorted((path.parent for path in (base / "papers").glob("*/paper.toml")), key=_first_published)
    papers = [load_results(folder) for folder in folders]
    files = {"index.md": _index(papers).encode()}
    for folder, profiles in zip(folders, papers, strict=True):
        files |= _paper(folder, profiles)
    written = _replace(base / "docs" / "results", files)
    path = base / "README.md"
    return [*written, path] if readme.rewrite(path, papers) else written


def _first_published(folder: Path) -> tuple[str, str]:
    """Papers stand in the order in which they appeared, which arXiv's numbers give."""
    return load_paper(folder).arxiv, folder.name


def _paper(folder: Path, profiles: Sequence[Results]) -> dict[str, bytes]:
    """The files of one paper's page, by their path under docs/results."""
    key, choices = folder.name, folder / "choices.md"
    text, figures = paper_page(profiles, f"{key}-choices.md" if choices.exists() else "")
    files = {f"{key}.md": text.encode()}
    if choices.exists():
        files[f"{key}-choices.md"] = choices.read_bytes()
    for figure in figures:
        files |= {f"{key}/{figure.name}.svg": as_svg(figure), f"{key}/{figure.name}.csv": as_csv(figure)}
    return files


def _index(papers: Sequence[Sequence[Results]]) -> str:
    entries = (
        blocks([f"## [{profiles[0].paper.title}]({profiles[0].paper.key}.md)", citation(profiles[0].paper), *said])
        for profiles in papers
        for said in (summary(profiles),)
    )
    return blocks(["# Results", *entries, GENERATED])


def _replace(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    paths = {folder / name: content for name, content in files.items()}
    for path, content in paths.items():
        write_bytes(path, content)
    for old in folder.rglob("*"):
        if old.suffix in _WRITTEN and old not in paths:
            old.unlink()
    return sorted(paths)

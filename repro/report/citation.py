"""How a paper is named."""

from __future__ import annotations

from repro.claims.paper import Paper


def short_name(paper: Paper) -> str:
    """As a text cites it: `Keskar et al. 2017`."""
    others = " et al." if len(paper.authors) > 1 else ""
    return f"{paper.authors[0].split()[-1]}{others} {paper.year}"


def citation(paper: Paper) -> str:
    """Authors, title, venue, year and arXiv number."""
    authors = ", ".join(paper.authors)
    link = f"[arXiv:{paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})"
    return f"{authors}: *{paper.title}*, {paper.venue} {paper.year}, {link}"

"""How a paper is named."""

from __future__ import annotations

from repro.claims.paper import Paper


def short_name(paper: Paper) -> str:
    """As a text cites it: `Keskar et al. 2017`."""
    others = " et al." if len(paper.authors) > 1 else ""
    return f"{paper.authors[0].split()[-1]}{others} {paper.year}"


def citation(paper: Paper) -> str:
    """Authors, title, venue and year, with a link to the text."""
    authors = ", ".join(paper.authors)
    name, link = (
        (f"arXiv:{paper.arxiv}", f"https://arxiv.org/abs/{paper.arxiv}") if paper.arxiv else ("text", paper.url)
    )
    return f"{authors}: *{paper.title}*, {paper.venue} {paper.year}, [{name}]({link})"

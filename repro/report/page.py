"""One paper's page: citation, verdicts, and its tables and figures in every profile."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from types import ModuleType

from repro.claims.paper import Paper
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure
from repro.report.ledger import details, matrix, tally
from repro.report.markdown import blocks, table
from repro.report.results import Results

GENERATED = "<!-- Written by `repro report` from papers/*/results; edit the evidence's makers, not this page. -->"


def paper_page(profiles: Sequence[Results], choices: str) -> tuple[str, list[Figure]]:
    """The page and the figures it shows.

    Args:
        profiles: what each profile of one paper has on record, at least one.
        choices: link to the page of choices; empty where there is none.
    """
    paper = profiles[0].paper
    sections, figures = [_head(paper, choices), _scope(profiles)], []
    module = _exhibits_of(paper)
    released = getattr(module, "released", None)
    if released and (own := released(profiles[0].figures, paper)):
        text, figure = own
        drawn = f"![The authors' own figures]({paper.key}/{figure.name}.svg)"
        sections += ["## The authors' own figures", text, drawn]
        figures.append(figure)
    for results in profiles:
        exhibits: list[Exhibit] = module.exhibits(results) if module else []
        sections.append(_profile(results, exhibits))
        figures += [figure for exhibit in exhibits for figure, _ in exhibit.figures]
    return blocks([*sections, GENERATED]), figures


def summary(profiles: Sequence[Results]) -> list[str]:
    """The sentences that count the verdicts; one that says so where there are none."""
    paper = profiles[0].paper
    said = [sentence for results in profiles for sentence in tally(results)]
    return said or [f"Nothing has been run: `repro reproduce {paper.key}` does it."]


def short_name(paper: Paper) -> str:
    """As a text cites it: `Keskar et al. 2017`."""
    return f"{paper.authors[0].split()[-1]} et al. {paper.year}"


def citation(paper: Paper) -> str:
    """Authors, title, venue, year and arXiv number."""
    authors = ", ".join(paper.authors)
    link = f"[arXiv:{paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})"
    return f"{authors}: *{paper.title}*, {paper.venue} {paper.year}, {link}"


def _head(paper: Paper, choices: str) -> str:
    said = f"What the paper leaves unsaid, and what was chosen: [choices]({choices})." if choices else ""
    return blocks([f"# {short_name(paper)}", f"> {citation(paper)}", said])


def _scope(profiles: Sequence[Results]) -> str:
    rows = [
        (f"`{results.profile}`", network, facts["data"], settings["dataset"])
        for results in profiles
        for network, settings in results.settings.items()
        for facts in (results.paper.networks[network],)
    ]
    head = table(("profile", "network", "the paper's data", "data here"), rows)
    return blocks(["## Scope", *summary(profiles), head, "Results of different profiles never mix."])


def _profile(results: Results, exhibits: Sequence[Exhibit]) -> str:
    name = results.profile
    head = f"## Profile `{name}` {{ #{name} }}"
    if not results.observations:
        command = f"repro reproduce {results.paper.key} --profile {name}"
        return blocks([head, f"**not run**: no evidence is recorded; `{command}` makes it.", matrix(results)])
    shown = (exhibit.as_markdown(results) for exhibit in exhibits)
    ledger = [f"### Ledger {{ #{name}-ledger }}", matrix(results), details(results)]
    return blocks([head, *tally(results), *ledger, *shown])


def _exhibits_of(paper: Paper) -> ModuleType | None:
    """The paper's own tables and figures; a paper without any has its ledger."""
    name = f"repro.report.{paper.key}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None

"""One paper's page: verdicts first, then its tables and figures, then claim by claim how each was judged."""

from __future__ import annotations

from collections.abc import Sequence

from repro.report import claims
from repro.report.citation import citation, short_name
from repro.report.exhibition import Exhibition
from repro.report.markdown import blocks, boxed, table
from repro.report.results import Results
from repro.report.tally import summary
from repro.report.verdicts import matrix

GENERATED = "<!-- Written by `repro report` from papers/*/results; edit the evidence's makers, not this page. -->"
_LEGEND = "[How to read a verdict](../index.md#how-to-read-a-verdict). Results of different profiles never mix."


def paper_page(profiles: Sequence[Results], shown: Exhibition, choices: str = "", reading: str = "") -> str:
    """The page as Markdown.

    Args:
        profiles: what each profile of one paper has on record, at least one.
        shown: the paper's tables and figures.
        choices: link to the page of choices; empty where there is none.
        reading: what was easy and what was not, and the deviations: Markdown without numbers.
    """
    paper = profiles[0].paper
    listed = "\n".join(f"- {said}" for said in summary(profiles))
    exhibits = ["## Tables and figures { #exhibits }", shown.text] if shown.text else []
    details = ["## Claim by claim { #claims }", *claims.sections(profiles)]
    return blocks(
        [
            *(f"# {short_name(paper)}", f"> {citation(paper)}"),
            *("## What holds { #verdicts }", listed, matrix(profiles), _LEGEND),
            *(_scope(profiles, choices), reading),
            *exhibits,
            *details,
            GENERATED,
        ]
    )


def _scope(profiles: Sequence[Results], choices: str) -> str:
    rows = [
        (f"`{results.profile}`", network, facts["architecture"], facts["data"], settings["dataset"])
        for results in profiles
        for network, settings in results.settings.items()
        for facts in (results.paper.networks[network],)
    ]
    head = boxed("scope", table(("profile", "network", "architecture", "the paper's data", "data here"), rows))
    said = f"What the paper leaves unsaid, and what was chosen: the [choices]({choices})." if choices else ""
    return blocks(["## Scope { #scope }", head, *map(_idle, profiles), said])


def _idle(results: Results) -> str:
    """What to type where a profile has no evidence."""
    command = f"repro reproduce {results.paper.key} --profile {results.profile}"
    return "" if results.observations else f"Profile `{results.profile}`: **not run**; `{command}` makes its evidence."

"""One paper's page: verdicts first, then its tables and figures, then claim by claim how each was judged."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

from repro.report import claims
from repro.report.citation import citation, short_name
from repro.report.exhibition import Exhibition
from repro.report.markdown import blocks, boxed, listing, table
from repro.report.results import Results
from repro.report.summary import NOTHING
from repro.report.tally import summary
from repro.report.verdicts import matrix
from repro.studies.profiles import load_settings

GENERATED = "<!-- Written by `repro report` from papers/*/results; edit the evidence's makers, not this page. -->"
_SCOPE = ("profile", "network", "data", "batches", "seeds", "the paper's data", "the paper's architecture, or ours")
_WIDE = "---\nhide:\n  - navigation\n---"
"""Leaves the tables the room of the list of pages."""
_LEGEND = "[How to read a verdict](../index.md#how-to-read-a-verdict). Results of different profiles never mix."


def paper_page(profiles: Sequence[Results], shown: Exhibition, choices: str = "", reading: str = "") -> str:
    """The page as Markdown.

    Args:
        profiles: what each profile of one paper has on record, at least one.
        shown: the paper's tables and figures.
        choices: link to the page of choices; empty where there is none.
        reading: Markdown: what the names mean, what was easy and what was not, and the deviations.
    """
    paper = profiles[0].paper
    listed = "\n".join(f"- {said}" for said in summary(profiles))
    exhibits = ["## Tables and figures { #exhibits }", shown.text] if shown.text else []
    details = ["## Claim by claim { #claims }", *claims.sections(profiles)]
    return blocks(
        [
            *(_WIDE, f"# {short_name(paper)}", f"> {citation(paper)}"),
            *("## What holds { #verdicts }", listed, matrix(profiles), _LEGEND),
            *(_scope(profiles, choices), reading),
            *exhibits,
            *details,
            GENERATED,
        ]
    )


def _scope(profiles: Sequence[Results], choices: str) -> str:
    rows = [row for results in profiles for row in _rows(results)]
    head = boxed("scope", table(_SCOPE, rows))
    said = f"What the paper leaves unsaid, and what was chosen: the [choices]({choices})." if choices else ""
    return blocks(["## Scope { #scope }", head, *map(_idle, profiles), said])


def _rows(results: Results) -> list[Sequence[object]]:
    """What the profile runs, and what the paper did."""
    declared = _declared(results)
    return [
        (
            *(f"`{results.profile}`", network, settings["dataset"], *_protocol(declared.get(network))),
            *(results.paper.networks[network][fact] for fact in ("data", "architecture")),
        )
        for network, settings in results.settings.items()
    ]


def _declared(results: Results) -> Mapping[str, Any]:
    """The settings of the paper's study by network; none for a paper without a study."""
    name = f"repro.studies.{results.paper.key}"
    if importlib.util.find_spec(name) is None:
        return {}
    kind = importlib.import_module(name).Setting
    return {each.network: each for each in load_settings(results.folder, results.profile, kind)}


def _protocol(setting: Any) -> tuple[str, str]:
    """Batches of all regimes, and how many seeds."""
    if setting is None:
        return NOTHING, NOTHING
    batches = {phase.batch for regime in setting.regimes.values() for phase in regime.phases}
    return listing(f"{batch:,}" for batch in sorted(batches)), str(len(setting.seeds))


def _idle(results: Results) -> str:
    """What to type where a profile has no evidence."""
    command = f"repro reproduce {results.paper.key} --profile {results.profile}"
    return "" if results.observations else f"Profile `{results.profile}`: **not run**; `{command}` makes its evidence."

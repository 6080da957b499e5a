"""All tables and figures of a paper: each with what every profile has of it, then the authors' own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

from repro.claims.paper import Paper
from repro.report.exhibit import Exhibit
from repro.report.markdown import blocks, listing
from repro.report.picture import figure_files, picture
from repro.report.results import Results
from repro.report.verdicts import strongest_first


class Exhibition(NamedTuple):
    """Sections of a page, and the files they link to, by their names in the paper's folder."""

    text: str
    files: Mapping[str, bytes]


def exhibition(profiles: Sequence[Results]) -> Exhibition:
    """What the paper's module in `repro.report` shows; nothing where it has none."""
    module = _module(profiles[0].paper)
    if module is None:
        return Exhibition("", {})
    found: dict[str, list[tuple[Results, Exhibit]]] = {}
    for results in strongest_first(profiles):
        for each in module.exhibits(results):
            found.setdefault(each.title, []).append((results, each))
    shown = [_shown([(results, each) for results, each in pairs if each.used]) for pairs in found.values()]
    idle = [title for title, pairs in found.items() if not any(each.used for _, each in pairs)]
    own = _released(module, profiles[0])
    missing = f"**Not run** in any profile: {listing(idle)}." if idle else ""
    text = blocks([*(part.text for part in shown), missing, own.text])
    return Exhibition(text, {name: content for part in [*shown, own] for name, content in part.files.items()})


def _shown(pairs: Sequence[tuple[Results, Exhibit]]) -> Exhibition:
    """One exhibit in the profiles that have evidence for it."""
    if not pairs:
        return Exhibition("", {})
    first = pairs[0][1]
    head = f"### {first.title} {{ #{first.anchor} }}"
    files = {name: content for results, each in pairs for name, content in each.files(results).items()}
    return Exhibition(blocks([head, *(each.as_markdown(results) for results, each in pairs)]), files)


def _released(module: ModuleType, results: Results) -> Exhibition:
    """What the authors released themselves."""
    released = getattr(module, "released", None)
    own = released(results.figures, results.paper) if released else None
    if own is None:
        return Exhibition("", {})
    text, figure = own
    title = "The authors' own figures"
    drawn = picture(figure, title, results.paper.key)
    return Exhibition(blocks([f"### {title} {{ #released }}", text, drawn]), figure_files(figure))


def _module(paper: Paper) -> ModuleType | None:
    """The paper's own tables and figures; a paper without any has its ledger."""
    name = f"repro.report.{paper.key}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None

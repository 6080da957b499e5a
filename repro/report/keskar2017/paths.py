"""Figs. 3 and 7: loss and accuracy on the line, and on a curve, through both minima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.origin import data_set
from repro.report.results import Place, Results
from repro.report.seeds import curves, sentence

_AXES = {"loss": "cross-entropy, nats", "accuracy": "accuracy, percent"}
_ENDS = ((0.0, "SB minimum", "SB"), (1.0, "LB minimum", "LB"))
_RELEASED = {"loss": "loss", "accuracy": "acc"}


def figure_3(results: Results) -> Exhibit:
    """The line through both minima, with the authors' own figure beside ours where they released it."""
    return _figure(results, "K5", "fig3", "Fig. 3: the linear path", results.figures)


def figure_7(results: Results) -> Exhibit:
    """The curved path of appendix D; its figure was not released as data."""
    return _figure(results, "K6", "fig7", "Fig. 7: the curvilinear path", {})


def _figure(results: Results, claim: str, name: str, title: str, released: Mapping[str, Any]) -> Exhibit:
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {f"{s}-{m}": results.select(place, claim, f"{s}-{m}") for s in ("train", "test") for m in _AXES}
        if any(curves(rows) for rows in found.values()):
            rows = _rows(place, found, released)
            figure = Figure(f"{results.profile}-{place.network}-{name}", rows, interactive=True)
            figures.append((figure, _caption(results, place, found["train-loss"], released)))
        used += [each for each in results.observations if each.claim == claim and _at(each) == place]
    return Exhibit(title, used, _unanswered(used, figures), figures)


def _at(observation: Observation) -> Place:
    return Place(observation.network, observation.dataset)


def _unanswered(used: Sequence[Observation], figures: Sequence[object]) -> str:
    return f"No path has an answer: {sentence({'': used})}." if used and not figures else ""


def _rows(place: Place, found: Mapping[str, Sequence[Observation]], released: Mapping[str, Any]) -> list[list[Panel]]:
    """Loss beside accuracy; above it, each with the authors' panel to its right, where they released it."""
    own = [_own(place, metric, found) for metric in _AXES]
    if place.network not in released:
        return [own]
    return [[panel, theirs(released, place.network, metric)] for panel, metric in zip(own, _AXES, strict=True)]


def _own(place: Place, metric: str, found: Mapping[str, Sequence[Observation]]) -> Panel:
    lines = [
        Line(split, split, curves(found[f"{split}-{metric}"]), dashed=split == "test") for split in ("train", "test")
    ]
    return _panel(f"{place.network}, {place.dataset}", metric, lines)


def theirs(released: Mapping[str, Any], network: str, metric: str) -> Panel:
    """The authors' own curve for a network.

    Args:
        released: the content of `figures.toml`.
        network: one that it has.
        metric: `loss` or `accuracy`.
    """
    content, alphas = released[network], released["alpha"]
    lines = []
    for split in ("train", "test"):
        values = content[f"{split}_{_RELEASED[metric]}"]
        points = [(float(alpha), float(value)) for alpha, value in zip(alphas, values, strict=True)]
        lines.append(Line(split, split, {"authors": points}, dashed=split == "test"))
    return _panel(f"{network}, the authors' figure", metric, lines)


def _panel(title: str, metric: str, lines: Sequence[Line]) -> Panel:
    return Panel(
        title, "α, fraction of the way from SB to LB", _AXES[metric], lines, share=metric == "accuracy", marks=_ENDS
    )


def _caption(results: Results, place: Place, used: Sequence[Observation], released: Mapping[str, Any]) -> str:
    beside = ""
    if released:
        has = place.network in released
        beside = " Right: the authors' released figure, one pair." if has else " The authors released no figure of it."
    return (
        f"{place.network} on {data_set(results, *place)}: {sentence({'pairs of runs:': used})}. Thin lines are pairs, "
        f"the thick line is their mean with its 95 % interval; BatchNorm statistics recomputed at every point.{beside}"
    )

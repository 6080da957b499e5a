"""Fig. 5: test accuracy of every schedule against epochs and updates, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, accuracy_curve, final_accuracies
from repro.report.seeds import drawn, sentence
from repro.report.summary import NOTHING, cited, spread, summary

SCHEDULES = {
    "decay": ("S3", ""),
    "hybrid": ("S3", "hybrid"),
    "increase": ("S3", ""),
    "rate": ("S4", ""),
    "momentum": ("S5", ""),
    "constant": ("S8", ""),
    "past": ("S7", ""),
}
"""Each schedule, and the row that has its accuracies."""
_PUBLISHED = ("decay", "increase", "rate", "momentum")


def table(results: Results) -> Exhibit:
    """Final accuracy and updates of every schedule beside the paper's."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for name, found in final_accuracies(results, place, SCHEDULES).items():
            used += found
            if found:
                ours, paper = summary(found), _paper(results, place, name)
                rows.append((*place, name, ours.mean, ours.counts, _updates(results, found), paper))
    head = ("network", "data set", "schedule", "test accuracy, %", "n, failed, diverged", "updates", "paper, %")
    text = f"Mean ± SD over seeds, after the final epoch.\n\n{markdown.table(head, rows)}"
    return Exhibit("Schedules: where each ends", used, text)


def figure_5(results: Results) -> Exhibit:
    """Against epochs they are to coincide; against updates they are not."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = final_accuracies(results, place, SCHEDULES)
        if any(found.values()):
            panels = [_panel(results, place, found, x) for x in ("epoch", "update")]
            figure = Figure(f"{results.profile}-{place.network}-fig5", [panels], interactive=True)
            figures.append((figure, f"{place.network} on {place.dataset}: {sentence(found)}. {DRAWN}"))
        used += [each for rows in found.values() for each in rows]
    return Exhibit("Fig. 5: accuracy against epochs and updates", used, figures=figures)


def _updates(results: Results, found: Sequence[Observation]) -> str:
    return spread([float(results.runs[each.spec]["updates"]) for each in found if each.spec in results.runs])


def _paper(results: Results, place: Place, name: str) -> str:
    return cited(results.paper.cite(f"Fig. 5/{name}", place.network).numbers) if name in _PUBLISHED else NOTHING


def _panel(results: Results, place: Place, found: dict[str, list[Observation]], x: str) -> Panel:
    lines = [Line(name, name, drawn(rows, accuracy_curve(results, x))) for name, rows in found.items()]
    title = f"{place.network}, {place.dataset}"
    return Panel(title, x + "s" * (x == "update"), "test accuracy, percent", lines, log_x=x == "update")

"""Fig. 5: test accuracy of every schedule against epochs and updates, and where it ends."""

from __future__ import annotations

from repro.claims.evidence import Observation
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Place, Results
from repro.report.seeds import Points, drawn, sentence
from repro.report.summary import cited, spread, summary

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
    used = [each for place in results.places for name in SCHEDULES for each in _accuracies(results, place, name)]
    rows = [
        (*place, name, ours.mean, ours.counts, _updates(results, place, name), _paper(results, place, name))
        for place in results.places
        for name in SCHEDULES
        for ours in (summary(_accuracies(results, place, name)),)
        if ours.attempted
    ]
    head = ("network", "data set", "schedule", "test accuracy, %", "n, failed, diverged", "updates", "paper, %")
    text = f"Mean ± SD over seeds, after the final epoch.\n\n{markdown.table(head, rows)}"
    return Exhibit("Schedules: where each ends", used, text)


def figure_5(results: Results) -> Exhibit:
    """Against epochs they are to coincide; against updates they are not."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {name: _accuracies(results, place, name) for name in SCHEDULES}
        if any(found.values()):
            panels = [_panel(results, place, found, x) for x in ("epoch", "update")]
            words = f"{sentence(found)}. Thin lines are runs, thick lines their means with 95 % intervals."
            figure = Figure(f"{results.profile}-{place.network}-fig5", [panels])
            figures.append((figure, f"{place.network} on {place.dataset}: {words}"))
        used += [each for rows in found.values() for each in rows]
    return Exhibit("Fig. 5: accuracy against epochs and updates", used, figures=figures)


def _accuracies(results: Results, place: Place, name: str) -> list[Observation]:
    claim, row = SCHEDULES[name]
    return results.select(place, claim, "test-accuracy", name, row)


def _updates(results: Results, place: Place, name: str) -> str:
    runs = [results.runs[each.spec] for each in _accuracies(results, place, name) if each.spec in results.runs]
    return spread([float(run["updates"]) for run in runs])


def _paper(results: Results, place: Place, name: str) -> str:
    return cited(results.paper.cite(f"Fig. 5/{name}", place.network).numbers) if name in _PUBLISHED else "—"


def _panel(results: Results, place: Place, found: dict[str, list[Observation]], x: str) -> Panel:
    def curve(run: Observation) -> Points:
        return [(row[x], 100 * row["test_accuracy"]) for row in results.epochs.get(run.spec, ())]

    lines = [Line(name, name, drawn(rows, curve)) for name, rows in found.items()]
    title = f"{place.network}, {place.dataset}"
    return Panel(title, x + "s" * (x == "update"), "test accuracy, percent", lines, log_x=x == "update")

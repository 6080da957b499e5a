"""Fig. 5: test accuracy of every schedule against epochs and updates, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from repro.claims.evidence import Observation
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, Curve, accuracy_curve, final_accuracies
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
    """Test accuracy: against epochs the schedules are to coincide; against updates they are not."""
    title, y = "Fig. 5: accuracy against epochs and updates", "test accuracy, percent"
    return against_epochs_and_updates(results, title, "fig5", SCHEDULES, y, accuracy_curve, share=True)


def against_epochs_and_updates(
    results: Results,
    title: str,
    name: str,
    schedules: Collection[str],
    y: str,
    curve: Callable[[Results, str], Curve],
    *,
    log_y: bool = False,
    share: bool = False,
) -> Exhibit:
    """One curve of every run of some schedules, twice.

    Args:
        results: of one profile.
        title: of the exhibit.
        name: the figure's, without profile and network.
        schedules: some of `SCHEDULES`.
        y: what is drawn, with its unit.
        curve: gives it against `epoch` or `update`.
        log_y: whether its axis is logarithmic.
        share: whether it is a percentage of examples.
    """
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = final_accuracies(results, place, {each: SCHEDULES[each] for each in schedules})
        if any(found.values()):
            where = f"{place.network}, {place.dataset}"
            panels = [
                Panel(where, label, y, _lines(found, curve(results, x)), log_x, log_y, share=share)
                for x, label, log_x in (("epoch", "epoch", False), ("update", "updates", True))
            ]
            figure = Figure(f"{results.profile}-{place.network}-{name}", [panels], interactive=True)
            figures.append((figure, f"{place.network} on {place.dataset}: {sentence(found)}. {DRAWN}"))
        used += [each for rows in found.values() for each in rows]
    return Exhibit(title, used, figures=figures)


def _lines(found: Mapping[str, Sequence[Observation]], curve: Curve) -> list[Line]:
    return [Line(name, name, drawn(rows, curve)) for name, rows in found.items()]


def _updates(results: Results, found: Sequence[Observation]) -> str:
    return spread([float(results.runs[each.spec]["updates"]) for each in found if each.spec in results.runs])


def _paper(results: Results, place: Place, name: str) -> str:
    return cited(results.paper.cite(f"Fig. 5/{name}", place.network).numbers) if name in _PUBLISHED else NOTHING

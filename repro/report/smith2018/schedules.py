"""Fig. 5: test accuracy of every schedule against epochs and updates, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from repro.claims.evidence import Observation
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Results
from repro.report.runs import DRAWN, Curve, accuracy_curve, final_accuracies
from repro.report.seeds import drawn, sentence
from repro.report.summary import NOTHING, cited, counted, summary

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
_NETWORK = "WResNet16-4"
"""Of the paper's own Fig. 5."""


def table(results: Results) -> Exhibit:
    """Final accuracy and updates of every schedule, and below them the paper's."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for name, found in final_accuracies(results, place, SCHEDULES).items():
            used += found
            if found:
                ours = summary(found)
                rows.append((*place, name, ours.mean, _updates(results, found), ours.counts))
    head = ("network", "data set", "schedule", "test accuracy, %", "updates", "n, failed, diverged")
    note = "Mean ± SD over seeds, after the final epoch. Below them the paper's own; its accuracies are from summaries."
    text = f"{note}\n\n{markdown.table(head, [*rows, *_published(results)])}"
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
    return counted(float(results.runs[each.spec]["updates"]) for each in found if each.spec in results.runs)


def _published(results: Results) -> Iterator[Sequence[str]]:
    for name in _PUBLISHED:
        accuracy, updates = (results.paper.cite(f"{table}/{name}", _NETWORK) for table in ("Fig. 5", "Fig. 5, updates"))
        numbers = (cited(each.numbers, each.mark) for each in (accuracy, updates))
        yield _NETWORK, "CIFAR-10, the paper", name, *numbers, NOTHING

"""Figs. 2 to 4: per epoch the schedules are to coincide, per update they are not; and the updates that are saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from operator import sub

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, accuracy_curve, final_accuracies, loss_curve
from repro.report.seeds import drawn, paired, sentence
from repro.report.smith2018.declared import setting_at
from repro.report.smith2018.schedules import against_epochs_and_updates
from repro.report.summary import NOTHING, counted, number, summary
from repro.studies.smith2018.schedules import NEAR

OPTIMIZERS = {"momentum": "", "nesterov": "nesterov", "sgd": "sgd", "adam": "adam"}
"""Each optimiser, and the rows of S1 to S3 that have it."""
_PAIR = ("decay", "increase")

Found = Mapping[str, Sequence[Observation]]


def figure_2(results: Results) -> Exhibit:
    """Training loss of decay, hybrid and increase, against epochs and against updates."""
    title, shown = "Fig. 2: training loss against epochs and updates", ("decay", "hybrid", "increase")
    return against_epochs_and_updates(
        results, title, "fig2", shown, "training loss, nats", partial(loss_curve, split="train"), log_y=True
    )


def figure_3(results: Results) -> Exhibit:
    """Test accuracy under momentum and Nesterov momentum."""
    return _pairs(results, "Fig. 3: momentum and Nesterov momentum", "fig3", ("momentum", "nesterov"))


def figure_4(results: Results) -> Exhibit:
    """Test accuracy under plain SGD and ADAM."""
    return _pairs(results, "Fig. 4: SGD without momentum, and ADAM", "fig4", ("sgd", "adam"))


def updates_saved(results: Results) -> Exhibit:
    """Updates until each schedule comes near to decay's final accuracy, under every optimiser."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for optimizer, row in OPTIMIZERS.items():
            found = {arm: results.select(place, "S2", "updates", arm, row) for arm in _PAIR}
            cells = [summary(found[arm]) for arm in _PAIR]
            used += [each for listed in found.values() for each in listed]
            if any(found.values()):
                counts = (text for cell in cells for text in (counted(cell.values), cell.counts))
                rows.append((*place, optimizer, *counts, _ratio(found)))
    head = ("network", "data set", "optimiser", "decay", "n, failed, diverged", "increase", "n, failed, diverged")
    text = f"Updates until the test accuracy stays within {NEAR:g} points of decay's final one; mean ± SD over seeds."
    shown = table((*head, "decay's for each of increase's"), rows)
    return Exhibit("Updates: what is saved", used, f"{text}\n\n{shown}" if rows else "")


def _pairs(results: Results, title: str, name: str, optimizers: Sequence[str]) -> Exhibit:
    """For each optimiser the accuracies, and their difference beside the margin of S1."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {each: _accuracies(results, place, OPTIMIZERS[each]) for each in optimizers}
        shown = {each: pair for each, pair in found.items() if any(pair.values())}
        if shown:
            panels = [list(_compared(results, place, each, pair)) for each, pair in shown.items()]
            counts = "; ".join(f"{each}: {sentence(pair)}" for each, pair in shown.items())
            figure = Figure(f"{results.profile}-{place.network}-{name}", panels)
            figures.append((figure, f"{place.network} on {place.dataset}. {counts}. {_BAND} {DRAWN}"))
        used += [each for pair in found.values() for rows in pair.values() for each in rows]
    return Exhibit(title, used, figures=figures)


_BAND = "On the right the difference; shaded, from the first drop on, the margin within which S1 calls curves the same."


def _accuracies(results: Results, place: Place, row: str) -> Found:
    return final_accuracies(results, place, dict.fromkeys(_PAIR, ("S3", row)))


def _compared(results: Results, place: Place, optimizer: str, found: Found) -> Iterator[Panel]:
    title = f"{place.network}, {place.dataset}, {optimizer}"
    curves = {name: drawn(rows, accuracy_curve(results, "epoch")) for name, rows in found.items()}
    lines = [Line(name, name, seeds) for name, seeds in curves.items()]
    yield Panel(title, "epoch", "test accuracy, percent", lines, share=True)
    gap = Line("increase - decay", "increase", paired(curves["increase"], curves["decay"], sub))
    yield Panel(title, "epoch", "difference, points", [_margin(results, place), gap])


def _margin(results: Results, place: Place) -> Line:
    """No difference, from the first drop to the end, with the margin of S1 on both sides; all its rows have one."""
    setting = setting_at(results, place)
    margin = next(row.margin for row in results.ledger if (row.claim, row.network) == ("S1", place.network))
    ends = {"": [(float(epoch), 0.0) for epoch in (setting.drops[0] + 1, setting.epochs)]}
    return Line(f"no difference, ± {margin:g}", "constant", ends, dashed=True, band=margin)


def _ratio(found: Found) -> str:
    """Of the mean updates."""
    decay, increase = ([each.value for each in found[arm] if each.status == "ok"] for arm in _PAIR)
    return number(sum(decay) / len(decay) * len(increase) / sum(increase)) if decay and increase else NOTHING

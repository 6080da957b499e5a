"""Momentum starts from rest: how much of its effective learning rate a run has come up to."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.data import CATALOGUE
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, final_accuracies
from repro.report.seeds import Points, drawn, sentence
from repro.report.smith2018.declared import setting_at
from repro.report.smith2018.schedules import SCHEDULES
from repro.report.summary import number, spread
from repro.train.noise_scale import forgetting_epochs, lost_updates
from repro.train.regime import Phase

NAMES = ("decay", "rate", "momentum")
"""Schedules of one noise scale that start with three batches, the last with the larger momentum."""
_HEAD = (
    *("network", "data set", "schedule", "momentum", "batch", "updates lost, m/(1 - m)", "of an epoch's"),
    *("epochs of memory, B/(N(1 - m))", "share of the full way after as many updates as are lost", "after ten times"),
)
_NOTE = (
    "The way is the distance from the start after t updates in units of what t updates at the effective learning rate "
    "ε/(1 - m) and the first gradient would make, d(t) (1 - m) / (t d(1)); mean ± SD over seeds. At a constant gradient "
    "it is 1 - m (1 - mᵗ) / (t (1 - m)), in brackets; gradients that point elsewhere with every update make it shorter."
)


def momentum(results: Results) -> Exhibit:
    """The updates that momentum loses, declared and measured."""
    used: list[Observation] = []
    rows, figures = list[Sequence[str]](), []
    for place in results.places:
        found = final_accuracies(results, place, {name: SCHEDULES[name] for name in NAMES})
        if any(found.values()):
            rows += [_row(results, place, name, found[name]) for name in NAMES]
            figure = Figure(f"{results.profile}-{place.network}-momentum", [[_panel(results, place, found)]])
            words = f"{place.network} on {place.dataset}: {sentence(found)}. Dashed: at a constant gradient. {DRAWN}"
            figures.append((figure, words))
        used += [each for listed in found.values() for each in listed]
    text = f"{_NOTE}\n\n{table(_HEAD, rows)}" if rows else ""
    return Exhibit("Momentum: the updates it loses", used, text, figures)


def _row(results: Results, place: Place, name: str, found: Sequence[Observation]) -> Sequence[str]:
    phase, examples = _start(results, place, name), CATALOGUE[place.dataset].train
    lost = lost_updates(phase)
    return (
        *(*place, name, f"{phase.momentum:g}", f"{phase.batch:,}", number(lost)),
        number(lost / phase.updates_per_epoch(examples)),
        number(forgetting_epochs(phase, examples)),
        *(_way_after(results, phase, found, round(times * lost)) for times in (1, 10)),
    )


def _way_after(results: Results, phase: Phase, found: Sequence[Observation], update: int) -> str:
    """Measured at the first update that was logged from `update` on, and at a constant gradient in brackets."""
    curves = drawn(found, lambda run: [(t, y) for t, y in _way(results, phase, run) if t >= update]).values()
    first = [points[0] for points in curves]
    return f"{spread(y for _, y in first)} ({number(_constant(phase, int(first[0][0])))})" if first else spread(())


def _panel(results: Results, place: Place, found: dict[str, list[Observation]]) -> Panel:
    lines = []
    for name, listed in found.items():
        phase = _start(results, place, name)
        seeds = drawn(listed, lambda run, phase=phase: _way(results, phase, run))
        grid = sorted({x for points in seeds.values() for x, _ in points})
        lines.append(Line(name, name, seeds))
        expected = {"": [(x, _constant(phase, int(x))) for x in grid]}
        lines.append(Line(f"{name}, constant gradient", name, expected, dashed=True, averaged=False))
    title, y = f"{place.network}, {place.dataset}", "share of the full way"
    return Panel(title, "updates", y, lines, log_x=True, log_y=True)


def _way(results: Results, phase: Phase, run: Observation) -> Points:
    """`d(t) (1 - m) / (t d(1))` while the first settings are in force."""
    rows = results.distances.get(run.spec, ())
    if not rows or rows[0]["update"] != 1:
        return []
    last = phase.epochs * phase.updates_per_epoch(CATALOGUE[run.dataset].train)
    unit = rows[0]["distance"] / (1 - phase.momentum)
    return [(row["update"], row["distance"] / (row["update"] * unit)) for row in rows if row["update"] <= last]


def _constant(phase: Phase, done: int) -> float:
    return 1 - lost_updates(phase, done) / done


def _start(results: Results, place: Place, name: str) -> Phase:
    return setting_at(results, place).regimes[name].phases[0]

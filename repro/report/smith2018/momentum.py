"""Momentum starts from rest: how far behind its effective learning rate a run is until it has come up to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import truediv
from statistics import fmean

from repro.claims.evidence import Observation
from repro.data import CATALOGUE
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import blocks, listing, table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, Curve, final_accuracies
from repro.report.seeds import Points, drawn, paired, sentence
from repro.report.smith2018.declared import setting_at
from repro.report.smith2018.schedules import SCHEDULES
from repro.report.summary import number, spread
from repro.train.noise_scale import forgetting_epochs, lost_updates
from repro.train.regime import Phase

NAMES = ("decay", "rate", "momentum")
"""Schedules of one noise scale that start with three batches, the last with the larger momentum."""
PLAIN = "decay, sgd"
"""The same as decay without momentum, at its effective learning rate ε/(1 - m)."""
_HEAD = (
    *("network", "data set", "schedule", "momentum", "batch", "updates lost, m/(1 - m)", "epochs lost"),
    *("epochs of memory, B/(N(1 - m))", "distance after the first epoch, in decay's"),
)
_NOTE = (
    "From rest and at a constant gradient T updates do what T - m (1 - mᵀ)/(1 - m) do at the effective learning rate "
    "ε/(1 - m); but for that, all schedules go as far in an epoch. Measured: distances from the start, seed by seed; "
    "mean ± SD, in brackets what a constant gradient would give."
)
_FAILS = (
    "After the first epoch the distance in decay's is not what the formula says, but {} as much: the gradient is not "
    "constant there, and the formula does not hold."
)
_CAPTION = (
    "Left: decay's distance in that of the same schedule without momentum, at the effective learning rate. Right: that "
    "of two others in decay's, until the first drop. Dashed: at a constant gradient."
)

AGREES = 0.1
"""Share of its value within which the formula counts as borne out."""

Found = Mapping[str, Sequence[Observation]]
Share = Callable[[float], float]
"""The part of the updates that counts, from when it is asked for."""


def momentum(results: Results) -> Exhibit:
    """The updates that momentum loses, declared and measured."""
    used: list[Observation] = []
    rows, said, figures = list[Sequence[str]](), list[str](), []
    for place in results.places:
        found = final_accuracies(results, place, {name: SCHEDULES[name] for name in NAMES})
        plain = results.select(place, "S3", "test-accuracy", "decay", "sgd")
        if any(found.values()):
            rows += [_row(results, place, name, found) for name in NAMES]
            said += [each for name in NAMES[1:] if (each := _departs(results, place, name, found))]
            panels = [_against_plain(results, place, found["decay"], plain), _against_decay(results, place, found)]
            words = f"{place.network} on {place.dataset}: {sentence({**found, PLAIN: plain})}. {_CAPTION} {DRAWN}"
            figures.append((Figure(f"{results.profile}-{place.network}-momentum", [panels]), words))
        used += [*plain, *(each for listed in found.values() for each in listed)]
    text = blocks([_NOTE, table(_HEAD, rows), _FAILS.format(listing(said)) if said else ""]) if rows else ""
    return Exhibit("Momentum: how far it comes from rest", used, text, figures)


def _row(results: Results, place: Place, name: str, found: Found) -> Sequence[str]:
    phase, examples = _start(results, place, name), CATALOGUE[place.dataset].train
    lost = lost_updates(phase)
    first = [points[0][1] for points in _relative(results, place, name, found).values()]
    return (
        *(*place, name, f"{phase.momentum:g}", f"{phase.batch:,}", number(lost)),
        number(lost / phase.updates_per_epoch(examples)),
        number(forgetting_epochs(phase, examples)),
        f"{spread(first)} ({number(_expected(results, place, name)(1))})",
    )


def _departs(results: Results, place: Place, name: str, found: Found) -> str:
    """How far the first epoch is from what a constant gradient would give; nothing where the two agree."""
    first = [points[0][1] for points in _relative(results, place, name, found).values()]
    factor = fmean(first) / _expected(results, place, name)(1) if first else 1.0
    return f"{number(factor)} times ({place.network}, {name})" if abs(factor - 1) > AGREES else ""


def _against_plain(results: Results, place: Place, found: Sequence[Observation], plain: Sequence[Observation]) -> Panel:
    phase = _start(results, place, "decay")
    with_momentum, without = (drawn(rows, _walk(results, phase, 1)) for rows in (found, plain))
    line = Line("decay", "decay", paired(with_momentum, without, truediv))
    pair = line, lambda done: 1 - lost_updates(phase, done) / done
    return _panel(place, "to SGD without momentum", "updates", [pair], log_x=True)


def _against_decay(results: Results, place: Place, found: Found) -> Panel:
    pairs = [
        (Line(name, name, _relative(results, place, name, found)), _expected(results, place, name))
        for name in NAMES[1:]
    ]
    return _panel(place, "to decay", "epoch", pairs)


def _panel(place: Place, to: str, x: str, pairs: Sequence[tuple[Line, Share]], *, log_x: bool = False) -> Panel:
    """Measured ratios, each with what it is at a constant gradient."""
    lines = []
    for line, share in pairs:
        grid = sorted({at for points in line.seeds.values() for at, _ in points})
        expected = {"": [(at, share(at)) for at in grid]}
        lines += [line, Line(f"{line.label}, constant gradient", line.colour, expected, dashed=True, averaged=False)]
    return Panel(f"{place.network}, {place.dataset}, {to}", x, "ratio of distances", lines, log_x=log_x)


def _relative(results: Results, place: Place, name: str, found: Found) -> dict[str, Points]:
    """A schedule's distance in decay's after every epoch until the first drop."""

    def walked(each: str) -> dict[str, Points]:
        phase = _start(results, place, each)
        return drawn(found[each], _walk(results, phase, phase.updates_per_epoch(CATALOGUE[place.dataset].train)))

    return paired(walked(name), walked("decay"), truediv)


def _expected(results: Results, place: Place, name: str) -> Share:
    """The ratio of distances after so many epochs if the gradient were constant."""
    phases, examples = [_start(results, place, each) for each in (name, "decay")], CATALOGUE[place.dataset].train

    def share(epochs: float) -> float:
        done = [epochs * phase.updates_per_epoch(examples) for phase in phases]
        kept = [1 - lost_updates(phase, updates) / updates for phase, updates in zip(phases, done, strict=True)]
        return kept[0] / kept[1]

    return share


def _walk(results: Results, phase: Phase, unit: int) -> Curve:
    """Distances from the start until the first drop, at whole multiples of `unit` updates and counted in them."""

    def walk(run: Observation) -> Points:
        last = phase.epochs * phase.updates_per_epoch(CATALOGUE[run.dataset].train)
        rows = [row for row in results.distances.get(run.spec, ()) if row["update"] <= last]
        return [(row["update"] // unit, row["distance"]) for row in rows if row["update"] % unit == 0]

    return walk


def _start(results: Results, place: Place, name: str) -> Phase:
    return setting_at(results, place).regimes[name].phases[0]

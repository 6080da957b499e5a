"""What the schedules say before anything is run: learning rate, batch and noise scale in every epoch (Fig. 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from repro.claims.evidence import Observation
from repro.data import CATALOGUE
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Place, Results
from repro.report.runs import final_accuracies
from repro.report.seeds import Points
from repro.report.smith2018.schedules import SCHEDULES
from repro.report.summary import number
from repro.studies.smith2018 import Setting
from repro.train.canonical import from_json
from repro.train.noise_scale import approximate_noise_scale, noise_scale
from repro.train.regime import Phase, Regime

_HEAD = (
    *("network, data set", "schedule", "updates", "decay's updates for each", "batches", "learning rates"),
    *("momentum", "g, exact", "g, N ≫ B", "largest B/N, %"),
)


def figure_1(results: Results) -> Exhibit:
    """Learning rate, batch and noise scale of every schedule, as declared."""
    used: list[Observation] = []
    rows, figures = list[Sequence[object]](), []
    for place in results.places:
        setting, examples = setting_at(results, place), CATALOGUE[place.dataset].train
        used += [each for found in final_accuracies(results, place, SCHEDULES).values() for each in found]
        rows += [_row(place, setting, name, examples) for name in setting.regimes]
        figure = Figure(
            f"{results.profile}-{place.network}-fig1", [_panels(setting, place, examples)], interactive=True
        )
        figures.append((figure, f"{place.network} on {place.dataset}, {examples:,} training examples. {_CAPTION}"))
    text = markdown.table(_HEAD, rows)
    return Exhibit("Fig. 1: learning rate, batch and noise scale", used, f"{_NOTE}\n\n{text}", figures)


_NOTE = (
    "As declared, before any run. g at the start of training, in units of the learning rate: exact, "
    "ε (N/B - 1) / (1 - m), and for batches small beside the N examples, ε N / (B (1 - m)). The exact one falls short "
    "of the other by the share B/N."
)
_CONTROLS = ("constant", "past")
_CAPTION = "The noise scale is exact but for one line. Dashed: that line, and the schedules that are controls."


def setting_at(results: Results, place: Place) -> Setting:
    """What the profile declares for a network."""
    declared = {"kind": "Setting", "profile": results.profile, "network": place.network}
    return from_json(Setting, declared | dict(results.settings[place.network]))


def steps(regime: Regime, value: Callable[[Phase], float]) -> Points:
    """A number of every phase against the epoch, as a line of steps."""
    points, epoch = Points(), 0
    for phase in regime.phases:
        points += [(epoch, value(phase)), (epoch + phase.epochs, value(phase))]
        epoch += phase.epochs
    return points


def _row(place: Place, setting: Setting, name: str, examples: int) -> Sequence[object]:
    regime = setting.regimes[name]
    first, updates = regime.phases[0], regime.updates(examples)
    return (
        *(", ".join(place), name, f"{updates:,}", number(setting.decay.updates(examples) / updates)),
        ", ".join(f"{phase.batch:,}" for phase in regime.phases),
        ", ".join(f"{phase.learning_rate:.4g}" for phase in regime.phases),
        f"{first.momentum:g}",
        *(number(scale(first, examples)) for scale in (noise_scale, approximate_noise_scale)),
        number(100 * max(phase.batch for phase in regime.phases) / examples),
    )


def _panels(setting: Setting, place: Place, examples: int) -> list[Panel]:
    numbers: dict[str, Callable[[Phase], float]] = {
        "learning rate": lambda phase: phase.learning_rate,
        "batch, examples": lambda phase: phase.batch,
        "noise scale g": lambda phase: noise_scale(phase, examples),
    }
    panels = [_panel(setting, place, name, value) for name, value in numbers.items()]
    simple = steps(setting.decay, lambda phase: approximate_noise_scale(phase, examples))
    dashed = Line("ε N / (B (1 - m)) of decay", "decay", {"": simple}, dashed=True, averaged=False)
    return [*panels[:-1], replace(panels[-1], lines=[*panels[-1].lines, dashed])]


def _panel(setting: Setting, place: Place, name: str, value: Callable[[Phase], float]) -> Panel:
    lines = [
        Line(schedule, schedule, {"": steps(regime, value)}, dashed=schedule in _CONTROLS, averaged=False)
        for schedule, regime in setting.regimes.items()
    ]
    return Panel(f"{place.network}, {place.dataset}", "epoch", name, lines, log_y=True)

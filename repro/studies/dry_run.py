"""What a plan would run and cost, said without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repro.data import CATALOGUE
from repro.runs.cost import run_seconds, seconds_per_example
from repro.runs.measurements import MeasurementRequest, answer
from repro.runs.store import RunStore
from repro.runs.worker import is_over
from repro.studies.observing import needs_of
from repro.studies.reproduce import Plan
from repro.train.regime import Phase, Regime


@dataclass(frozen=True)
class Cost:
    """What is left to do: counts, and hours of one processor core if no plateau ends a run early."""

    what: str
    wanted: int
    left: int
    core_hours: float


def estimate(plan: Plan, store: RunStore) -> list[Cost]:
    """The cost of a plan for each network, from a few updates timed now."""
    rows = []
    for setting, samples in plan.samples.items():
        place = f"{setting.network} on {setting.dataset}"
        runs, measurements = needs_of(samples)
        left = [run for run in runs if not is_over(store.folder(run.spec.key), run)]
        hours = sum(run_seconds(run) for run in left) / 3600
        rows.append(Cost(f"{place}: runs", len(runs), len(left), hours))
        missing = [m for m in measurements if not _is_settled(store, m)]
        hours = sum(_seconds(m) for m in missing) / 3600
        rows.append(Cost(f"{place}: measurements", len(measurements), len(missing), hours))
    return rows


def _is_settled(store: RunStore, request: MeasurementRequest) -> bool:
    """Whether it was measured, or never will be, for a run that it needs diverged."""
    known = answer(store, request)
    diverged = any(store.folder(run.spec.key).status["status"] == "diverged" for run in request.runs)
    return diverged or (known is not None and known["status"] == "ok")


def _seconds(request: MeasurementRequest) -> float:
    """What a measurement takes of one core."""
    spec = request.runs[0].spec
    examples = request.gradients * (request.measured or CATALOGUE[spec.dataset].train)
    return examples * seconds_per_example(spec.network, spec.dataset)


def as_lines(costs: Sequence[Cost]) -> list[str]:
    """A table of the costs for the terminal."""
    lines = [f"{'':46} {'wanted':>7} {'to do':>7} {'core hours':>11}"]
    lines += [f"{each.what:46} {each.wanted:7d} {each.left:7d} {each.core_hours:11.2f}" for each in costs]
    return [*lines, f"{'together':46} {'':7} {'':7} {sum(each.core_hours for each in costs):11.2f}"]


def regimes(plan: Plan) -> list[str]:
    """Every phase of the regimes that are run, as a table for each network; those that a setting names come first.

    A setting of which nothing is run, as on ImageNet, shows all that it names.
    """
    lines = []
    for setting, samples in plan.samples.items():
        examples = setting.examples
        lines += ["", f"{setting.network} on {setting.dataset}, {examples} examples", _PHASES]
        run = dict.fromkeys(request.spec.regime for request in needs_of(samples)[0])
        named = {name: regime for name, regime in setting.regimes.items() if regime in run or not run}
        for name, regime in named.items():
            lines += _phases(name, regime, examples)
        for regime in (each for each in run if each not in named.values()):
            lines += _phases(_FURTHER, regime, examples)
    return lines


_FURTHER = "further"
_COLUMNS = "{:14} {:>6} {:>6} {:>10} {:>8} {:>6} {:>8} {:>10}  {}"
_PHASES = _COLUMNS.format("", "epochs", "batch", "rate", "momentum", "ghost", "updates", "examples", "").rstrip()


def _phases(name: str, regime: Regime, examples: int) -> Iterator[str]:
    for index, phase in enumerate(regime.phases):
        yield _phase("" if index else name, phase, examples)
    if len(regime.phases) > 1:
        totals = regime.updates(examples), regime.epochs * examples
        yield _COLUMNS.format("", regime.epochs, "", "", "", "", *totals, "").rstrip()


def _phase(name: str, phase: Phase, examples: int) -> str:
    rising = "" if phase.rising_from is None else f"from {phase.rising_from:.4g}"
    noise = f"noise {phase.noise:.3g}" if phase.noise else ""
    reset = "momentum reset each epoch" if phase.forgetful else ""
    alike = "ghosts weigh alike" if phase.ghosts_alike else ""
    return _COLUMNS.format(
        name,
        phase.epochs,
        phase.batch,
        f"{phase.learning_rate:.4g}",
        f"{phase.momentum:g}",
        phase.ghost_size or "-",
        phase.epochs * phase.updates_per_epoch(examples),
        phase.epochs * examples,
        ", ".join(filter(None, (rising, noise, reset, alike))),
    ).rstrip()

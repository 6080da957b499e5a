"""Table 2 and Fig. 2: how well both regimes fit and generalise."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import accuracy_curve
from repro.report.seeds import drawn, sentence
from repro.report.summary import cited, summary

ARMS = ("SB", "LB")
_QUANTITIES = ("train-loss", "train-accuracy", "test-accuracy")


def table_2(results: Results) -> Exhibit:
    """Final accuracies beside the paper's, with the training loss that says whether a minimum was reached."""
    used = [each for place in results.places for arm in ARMS for each in _cell(results, place, arm)]
    head = ("network, data set", "arm", "train loss, nats", "train accuracy, %", "paper", "test accuracy, %", "paper")
    rows = [_row(results, place, arm) for place in results.places for arm in ARMS if _cell(results, place, arm)]
    text = (
        "Mean ± SD over seeds, after the final epoch, BatchNorm statistics of the training loss recomputed. A dash: "
        "not measured on these runs."
    )
    return Exhibit("Table 2: accuracy", used, f"{text}\n\n{table((*head, 'n, failed, diverged'), rows)}")


def figure_2(results: Results) -> Exhibit:
    """Accuracy against epochs."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        runs = {arm: results.select(place, "K1", "test-accuracy", arm) for arm in ARMS}
        if any(runs.values()):
            panels = [_panel(results, place, runs, split) for split in ("train", "test")]
            figures.append(
                (Figure(f"{results.profile}-{place.network}-fig2", [panels]), _caption(results, place, runs))
            )
            used += [each for arm in ARMS for each in runs[arm]]
    return Exhibit("Fig. 2: accuracy against epochs", used, figures=figures)


def _cell(results: Results, place: Place, arm: str) -> list[Observation]:
    return [each for quantity in _QUANTITIES for each in results.select(place, "K1", quantity, arm)]


def _row(results: Results, place: Place, arm: str) -> Sequence[str]:
    loss, train, test = (summary(results.select(place, "K1", quantity, arm)) for quantity in _QUANTITIES)
    paper = [results.paper.cite(f"Table 2/{split} {arm}", place.network) for split in ("train", "test")]
    theirs = [cited(each.numbers, each.mark) for each in paper]
    where = (", ".join(place), arm)
    return *where, loss.mean, train.mean, theirs[0], test.mean, theirs[1], test.counts


def _panel(results: Results, place: Place, runs: dict[str, list[Observation]], split: str) -> Panel:
    lines = [Line(arm, arm, drawn(runs[arm], accuracy_curve(results, "epoch", split))) for arm in ARMS]
    return Panel(f"{place.network}, {place.dataset}", "epoch", f"{split} accuracy, percent", lines, share=True)


def _stopped(results: Results, place: Place, runs: dict[str, list[Observation]]) -> str:
    """How many runs of each arm ended before the last epoch that the profile grants."""
    epochs = {arm: [len(results.epochs.get(each.spec, ())) for each in of_arm] for arm, of_arm in runs.items()}
    longest = max(most for each in epochs.values() for most in each)
    last = results.settings.get(place.network, {}).get("epochs", longest)
    counts = (f"{sum(n < last for n in each)} of {len(each)} {arm} runs" for arm, each in epochs.items())
    return f"{', '.join(counts)} stopped before epoch {last}"


def _caption(results: Results, place: Place, runs: dict[str, list[Observation]]) -> str:
    return (
        f"{place.network} on {place.dataset}: {sentence(runs)}. Thin lines are runs, each to where its loss ceased to "
        f"improve or to the last epoch there was: {_stopped(results, place, runs)}. The thick line is their mean as "
        "long as all go on, with its 95 % interval. Train accuracy is the mean over the mini-batches of the epoch."
    )

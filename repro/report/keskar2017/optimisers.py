"""The large batch with other optimisers (section 2.1): accuracy and sharpness, and how far training had come."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.markdown import blocks, table
from repro.report.origin import IN_BRACKETS, where
from repro.report.results import Place, Results
from repro.report.summary import counted, spread, summary

_ROWS = {"SB": ("", "sharpness"), "LB-sgd": ("", "sharpness"), "LB-adagrad": ("adagrad", "adagrad sharpness")}
"""For every arm of K15 the rows that have its accuracy and its sharpness."""
_HEAD = (
    *("network, data set", "arm", "epochs", "train loss, nats", "train accuracy, %"),
    *("test accuracy, %", "n, failed, diverged", "φ at ε 1e-3, % of 1 + f(x)", "n, failed, diverged"),
)
_NOTE = (
    "Mean ± SD over seeds, after the last epoch; training loss and accuracy are means over its mini-batches. Where an "
    "arm's loss still lies well above SB's, training was ended by the number of epochs, and the sharpness is not that "
    f"of a minimum. φ by sign ascents. {IN_BRACKETS}"
)


def optimisers(results: Results) -> Exhibit:
    """K15: both arms of every optimiser."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for arm, (accuracy, sharpness) in _ROWS.items():
            runs = results.select(place, "K15", "test-accuracy", arm, accuracy)
            sharp = results.select(place, "K15", "sharpness", arm, sharpness)
            if runs:
                rows.append(_row(results, place, arm, runs, sharp))
                used += [*runs, *sharp]
    return Exhibit("Other optimisers", used, blocks([_NOTE, table(_HEAD, rows)]) if used else "")


def _row(
    results: Results, place: Place, arm: str, runs: Sequence[Observation], sharp: Sequence[Observation]
) -> Sequence[str]:
    ours, phi = summary(runs), summary(sharp)
    curves = [curve for each in runs if each.status == "ok" and (curve := results.epochs.get(each.spec))]
    epochs = counted(len(curve) for curve in curves)
    loss = spread(curve[-1]["train_loss"] for curve in curves)
    accuracy = spread(100 * curve[-1]["train_accuracy"] for curve in curves)
    return where(results, place), arm, epochs, loss, accuracy, ours.mean, ours.counts, phi.mean, phi.counts

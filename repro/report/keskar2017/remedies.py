"""Tables 6 and 7: accuracy and sharpness of large-batch training with the remedies of appendix E."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.markdown import table
from repro.report.origin import IN_BRACKETS, where
from repro.report.results import Place, Results
from repro.report.summary import NOTHING, cited, summary


class _Arm(NamedTuple):
    """Where an arm's accuracy and sharpness are: the claims that have them, and the paper's cells."""

    name: str
    accuracy: str
    paper: str
    sharpness: str = ""
    paper_sharpness: str = ""


_AUGMENTED = (
    _Arm("SB-aug", "K11", "Table 6/test SB"),
    _Arm("LB-aug", "K11", "Table 6/test LB", "K11", "Table 6/LB 1e-3"),
)
_CONSERVATIVE = (
    _Arm("SB", "K1", "Table 7/test SB", "K12", "Table 3/SB 1e-3"),
    _Arm("LB", "K12", "Table 2/test LB", "K13", "Table 3/LB 1e-3"),
    _Arm("LB-cons", "K12", "Table 7/test LB", "K12", "Table 7/LB 1e-3"),
)


def table_6(results: Results) -> Exhibit:
    """Both arms on augmented inputs."""
    return _table(results, "Table 6: augmentation", "K11", _AUGMENTED)


def table_7(results: Results) -> Exhibit:
    """The large batch with the proximal sub-problem, beside both arms without it."""
    return _table(results, "Table 7: conservative training", "K12", _CONSERVATIVE)


def _table(results: Results, title: str, claim: str, arms: Sequence[_Arm]) -> Exhibit:
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        if results.select(place, claim, "test-accuracy", arms[-1].name):
            found = [(arm, *_cells(results, place, arm)) for arm in arms]
            used += [each for _, accuracies, sharp in found for each in (*accuracies, *sharp)]
            rows += [_row(results, place, *cells) for cells in found]
    head = ("network, data set", "arm", "paper", "test accuracy, %", "n, failed, diverged")
    sharp_head = ("paper", "φ at ε 1e-3, % of 1 + f(x)", "n, failed, diverged")
    note = (
        "Mean ± SD over seeds, after the final epoch; φ by sign ascents, on the training set without augmentation. "
        f"{IN_BRACKETS}"
    )
    return Exhibit(title, used, f"{note}\n\n{table((*head, *sharp_head), rows)}" if used else "")


def _cells(results: Results, place: Place, arm: _Arm) -> tuple[list[Observation], list[Observation]]:
    accuracies = results.select(place, arm.accuracy, "test-accuracy", arm.name)
    return accuracies, results.select(place, arm.sharpness, "sharpness", arm.name, "sharpness")


def _row(
    results: Results, place: Place, arm: _Arm, accuracies: Sequence[Observation], sharp: Sequence[Observation]
) -> Sequence[str]:
    ours, phi = summary(accuracies), summary(sharp)
    paper = [_paper(results, place, reference) for reference in (arm.paper, arm.paper_sharpness)]
    return where(results, place), arm.name, paper[0], ours.mean, ours.counts, paper[1], phi.mean, phi.counts


def _paper(results: Results, place: Place, reference: str) -> str:
    if not reference:
        return NOTHING
    found = results.paper.cite(reference, place.network)
    return cited(found.numbers, found.mark)

"""Table 1: one cure after another; how flat each ends; and the laws that fit the distances of Fig. 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.claims.evidence import Observation
from repro.report import ledger
from repro.report.exhibit import Exhibit
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import final_accuracies, loss_curve
from repro.report.seeds import drawn
from repro.report.summary import NOTHING, cited, number, spread, summary

COLUMNS = {"SB": ("H1", ""), "LB": ("H1", ""), "+LR": ("H3", ""), "+GBN": ("H4", ""), "+RA": ("H5", "")}
"""Table 1 from left to right, and the claim that has each column's accuracies."""
_WALKS = {"SB": ("SB", ""), "LB": ("LB", "LB"), "SB, first layer": ("SB", "first-layer")}
"""Whose distances are fitted: the column, and the row of H2."""
_LAWS = ("log-rate", "log-explained", "power-rate", "power-explained")


def table_1(results: Results) -> Exhibit:
    """Final test accuracy of the five columns beside the paper's."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        found = final_accuracies(results, place, COLUMNS)
        used += [each for column in found.values() for each in column]
        rows += _rows(results, place, found) if any(found.values()) else []
    text = (
        "Mean ± SD of the final test accuracy over seeds, percent, and Student's interval of the mean, corrected for "
        "nothing; n, failed and diverged runs under each. The share of the gap is given where H1 shows a gap. The "
        "training loss, nats, is the mean over the last epoch, as it was minimised: BatchNorm by each batch or ghost."
    )
    head = ("network, data set", "", *COLUMNS)
    return Exhibit("Table 1: one cure after another", used, f"{text}\n\n{table(head, rows)}")


def flatness(results: Results) -> Exhibit:
    """How flat each column's minimum is, in two measures."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for said, quantity in (("φ, %", "column-sharpness"), ("largest eigenvalue", "column-hessian-top")):
            found = [results.select(place, "H13", quantity, column) for column in COLUMNS]
            used += [each for column in found for each in column]
            if any(found):
                rows.append((f"{place.network}, {place.dataset}", said, *(summary(column).mean for column in found)))
                rows.append(("", "n, failed, diverged", *(summary(column).counts for column in found)))
    text = (
        "Mean ± SD over seeds at the final weights: Keskar's sharpness φ, ε 1e-3, by sign ascents of 20 gradients, and "
        "the largest eigenvalue of the Hessian of the training loss, in nats."
    )
    head = ("network, data set", "", *COLUMNS)
    return Exhibit("Flatness: where each column ends", used, f"{text}\n\n{table(head, rows)}" if rows else "")


def growth(results: Results) -> Exhibit:
    """Both laws of distance against updates, fitted before the first drop."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for label, (column, row) in _WALKS.items():
            found = [results.select(place, "H2", name, column, row) for name in _LAWS]
            used += [each for each_law in found for each in each_law]
            if any(found):
                cells = (spread([each.value for each in law if each.status == "ok"]) for law in found)
                rows.append((*place, label, *cells, summary(found[0]).counts))
    head = ("network", "data set", "column", "b of a + b ln t", "R²", "p of c tᵖ", "R²", "n, failed, diverged")
    return Exhibit("Growth: logarithm or power", used, table(head, rows) if rows else "")


def _rows(results: Results, place: Place, found: Mapping[str, Sequence[Observation]]) -> list[Sequence[str]]:
    cells = [summary(column) for column in found.values()]
    paper = [results.paper.cite(f"Table 1/{column}", place.network) for column in found]
    where = f"{place.network}, {place.dataset}"
    return [
        (where, "here", *(cell.mean for cell in cells)),
        (where, "95 % interval", *(cell.interval for cell in cells)),
        (where, "n, failed, diverged", *(cell.counts for cell in cells)),
        (where, "training loss", *(spread(_last_losses(results, column)) for column in found.values())),
        (where, "paper", *(cited(each.numbers, each.mark) for each in paper)),
        (
            where,
            "share of the gap recovered",
            *(_recovered(found) if _gap_shown(results, place) else [NOTHING] * len(found)),
        ),
    ]


def _last_losses(results: Results, runs: Sequence[Observation]) -> list[float]:
    return [points[-1][1] for points in drawn(runs, loss_curve(results, "epoch", "train")).values()]


def _gap_shown(results: Results, place: Place) -> bool:
    rows = [row for row in ledger.judged(results.ledger) if (row.claim, ledger.place(row)) == ("H1", place)]
    return any(ledger.word(row) == "reproduced" for row in rows)


def _recovered(found: Mapping[str, Sequence[Observation]]) -> list[str]:
    """What share of the way from LB to SB each column has come, of the means over the seeds that all of them have."""
    values = {column: {each.seed: each.value for each in rows if each.status == "ok"} for column, rows in found.items()}
    run = {column: each for column, each in values.items() if each}
    shared = set.intersection(*map(set, run.values()))
    means = {column: sum(each[seed] for seed in shared) / len(shared) for column, each in run.items() if shared}
    gap = means["SB"] - means["LB"] if {"SB", "LB"} <= means.keys() else 0.0
    return [number((means[each] - means["LB"]) / gap) if gap > 0 and each in means else NOTHING for each in found]

"""Generalisation is not run again: the verdicts of the two papers that the article takes it from."""

from __future__ import annotations

from repro.claims.ledger import LedgerRow
from repro.report.citation import short_name
from repro.report.exhibit import Exhibit
from repro.report.ledger import effect, judged, sentence, verdict
from repro.report.markdown import table
from repro.report.results import Results, load_results

JOINED = {
    "keskar2017": ("K1", "K2", "K3", "K14"),
    "hoffer2017": ("H1", "H3", "H4", "H5", "H13"),
}
"""Claims on the gap, on the minima, and on what closes it, by paper."""


def generalisation(results: Results) -> list[Exhibit]:
    """The primary rows of those claims in the same profile, one table a paper."""
    return [_joined(results, key) for key in JOINED]


def _joined(results: Results, key: str) -> Exhibit:
    profiles = load_results(results.folder.parent / key)
    title = f"Generalisation in {short_name(profiles[0].paper)}: the verdicts of its own page"
    found = [each for each in profiles if each.profile == results.profile]
    if not found:
        return Exhibit(title, ())
    (source,) = found
    rows = [row for row in judged(source.ledger) if row.claim in JOINED[key]]
    used = [each for each in source.observations if each.claim in JOINED[key] and not each.variant]
    head = ("claim", "network, data set", "verdict", "effect [interval]")
    return Exhibit(title, used, table(head, map(_cells, rows)), source=source)


def _cells(row: LedgerRow) -> tuple[str, ...]:
    where = f"{row.network}, {row.dataset}"
    said = f"[{row.claim}]({row.paper}.md#{row.claim.lower()}) {sentence(row)}"
    return said, where, f"{verdict(row)} {row.finding}".rstrip(), effect(row)

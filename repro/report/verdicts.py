"""A paper's verdicts at a glance: its claims against every network and data set on which one was judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from repro.claims.ledger import LedgerRow
from repro.report.ledger import ASTERISK, NOT_RUN, asterisk, extended, judged, place, verdict, word
from repro.report.markdown import blocks, boxed, table
from repro.report.results import Place, Results
from repro.report.summary import NOTHING


class Column(NamedTuple):
    """Where claims were judged, and in which profile."""

    results: Results
    place: Place

    @property
    def title(self) -> str:
        """`F1, mnist`."""
        return f"{self.place.network}, {self.place.dataset}"

    def row(self, claim: str) -> LedgerRow | None:
        """The claim's primary row, if it has a verdict here."""
        rows = judged(self.results.ledger)
        return next((row for row in rows if row.claim == claim and place(row) == self.place), None)


def strongest_first(profiles: Sequence[Results]) -> list[Results]:
    """The profiles with evidence, from the paper's own protocol down; `profiles.toml` names them from `quick` up."""
    return [results for results in reversed(profiles) if results.observations]


def all_judged(profiles: Sequence[Results]) -> list[LedgerRow]:
    """The primary rows with a verdict, of every profile."""
    return [row for results in profiles for row in judged(results.ledger)]


def strongest(profiles: Sequence[Results], claim: str, variant: str = "") -> list[tuple[Results, LedgerRow]]:
    """The claim's primary rows, or a variant's, in the strongest profile that judged them; empty where none did."""
    for results in strongest_first(profiles):
        found = [row for row in results.ledger if (row.claim, row.variant) == (claim, variant)]
        if rows := [row for row in found if row.verdict != NOT_RUN]:
            return [(results, row) for row in rows]
    return []


def idle(profiles: Sequence[Results], claim: str) -> list[tuple[Results, LedgerRow]]:
    """Where a claim that nobody judged would be judged: its primary rows in the first profile that plans it."""
    if strongest(profiles, claim):
        return []
    for results in profiles:
        planned = [row for row in results.ledger if not row.variant and row.claim == claim and results.plans(row)]
        if planned:
            return [(results, row) for row in planned]
    return []


def columns(profiles: Sequence[Results]) -> list[Column]:
    """Every place with a verdict, the strongest profile first."""
    return [
        Column(results, found)
        for results in strongest_first(profiles)
        for found in results.places
        if any(place(row) == found for row in judged(results.ledger))
    ]


def sentences(profiles: Sequence[Results]) -> dict[str, str]:
    """What each claim says, in the paper's order."""
    return {claim.id: claim.primary.title for claim in profiles[0].claims}


def matrix(profiles: Sequence[Results]) -> str:
    """Every claim, linked to what is said of it below, with a verdict for each column."""
    shown = columns(profiles)
    head = ("claim", *(f"{column.title} `{column.results.profile}`" for column in shown))
    rows = [
        (f"[{claim}](#{claim.lower()}) {said}", *(_cell(column.row(claim)) for column in shown))
        for claim, said in sentences(profiles).items()
    ]
    return blocks([boxed("matrix", table(head, rows)), ASTERISK if any(map(extended, all_judged(profiles))) else ""])


def _cell(row: LedgerRow | None) -> str:
    if row is None:
        return NOTHING
    return verdict(row) + asterisk(row) + word(row).removeprefix(row.verdict)

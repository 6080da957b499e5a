"""Verdicts counted, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from repro.claims.ledger import LedgerRow
from repro.report.ledger import NOT_RUN, VERDICTS, judged, place
from repro.report.markdown import listing
from repro.report.results import Results
from repro.report.verdicts import all_judged, sentences, strongest_first


def tally(results: Results) -> list[str]:
    """One sentence for each network and data set on which a primary row has a verdict."""
    ran = judged(results.ledger)
    said = []
    for network, dataset in dict.fromkeys(map(place, ran)):
        here = [row for row in ran if place(row) == (network, dataset)]
        idle = sum(_idle(row, network) for row in results.ledger)
        counts = words(here) + (f"; {idle} not run" if idle else "")
        said.append(f"`{results.profile}`, {network} on {dataset}: of {_claims(len(here))} judged, {counts}.")
    return said


def summary(profiles: Sequence[Results]) -> list[str]:
    """The sentences of every profile; one that says so where nothing was run."""
    said = [each for results in strongest_first(profiles) for each in tally(results)]
    return said or [f"Nothing has been run: `repro reproduce {profiles[0].paper.key}` does it."]


def words(rows: Iterable[LedgerRow]) -> str:
    """`3 reproduced, 1 contradicted and 11 inconclusive`."""
    counts = count(rows)
    return listing(f"{counts[word]} {word}" for word in VERDICTS)


def count(rows: Iterable[LedgerRow]) -> Counter[str]:
    """How many rows have each verdict."""
    return Counter(row.verdict for row in rows)


def overall(papers: Sequence[Sequence[Results]]) -> str:
    """All papers in one sentence."""
    claims = sum(len(sentences(profiles)) for profiles in papers)
    ran = [row for profiles in papers for row in all_judged(profiles)]
    tested = len({(row.paper, row.claim) for row in ran})
    return (
        f"Of {_claims(claims)} in {len(papers)} papers, {tested} have been put to the test, on one or more networks "
        f"and data sets, which gave {len(ran)} verdicts: {words(ran)}."
    )


def _claims(number: int) -> str:
    return f"{number} claim" + "s" * (number != 1)


def _idle(row: LedgerRow, network: str) -> bool:
    return not row.variant and row.network == network and row.verdict == NOT_RUN

"""The README's verdict table, rewritten between its two markers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.atomic import write_bytes
from repro.claims.ledger import LedgerRow
from repro.errors import DataError
from repro.report.ledger import NOT_RUN, primaries, sentence
from repro.report.markdown import blocks, table
from repro.report.page import short_name, summary
from repro.report.results import Results

BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"


def rewrite(path: Path, papers: Sequence[Sequence[Results]]) -> bool:
    """Put the verdicts of `papers` (each a list of profiles) between the markers of the file at `path`.

    Returns:
        whether the file has the markers; without them, or without the file, nothing is touched.

    Raises:
        DataError: there is one marker without the other, or one stands twice.
        StorageError: the file cannot be written.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if BEGIN not in text and END not in text:
        return False
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise DataError(f"{path} must have {BEGIN} once and {END} once after it. Put both back around the table.")
    before, _, rest = text.partition(BEGIN)
    changed = f"{before}{BEGIN}\n{blocks(map(verdicts, papers))}{END}{rest.partition(END)[2]}"
    if changed != text:
        write_bytes(path, changed.encode())
    return True


def verdicts(profiles: Sequence[Results]) -> str:
    """A paper's claims against each network and data set with a verdict, `laptop` before `quick`, then the counts."""
    ran = sorted((results for results in profiles if results.observations), key=lambda results: results.profile)
    columns = [(results, place) for results in ran for place in results.places if _judged(results, place)]
    heads = [f"{place.network}, {place.dataset} (`{results.profile}`)" for results, place in columns]
    claims = primaries(profiles[0].ledger)
    rows = [
        (f"{claim} {sentence(found[0])}", *(_word(_row(results, claim, place)) for results, place in columns))
        for claim, found in claims.items()
    ]
    shown = table(("claim", *heads), rows) if columns else ""
    return blocks([f"**{short_name(profiles[0].paper)}**", shown, *summary(profiles)])


def _judged(results: Results, place: tuple[str, str]) -> bool:
    return any(_row(results, claim, place) is not None for claim in primaries(results.ledger))


def _row(results: Results, claim: str, place: tuple[str, str]) -> LedgerRow | None:
    rows = primaries(results.ledger)[claim]
    return next((row for row in rows if (row.network, row.dataset) == place and row.verdict != NOT_RUN), None)


def _word(row: LedgerRow | None) -> str:
    return NOT_RUN if row is None else row.verdict

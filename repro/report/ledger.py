"""How a row of the ledger is told: its sentence, verdict, effect, and the paper's own number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repro.claims.claim import Comparison
from repro.claims.ledger import EXTENSION, LedgerRow
from repro.claims.verdict import Finding
from repro.report.markdown import styled
from repro.report.results import Place
from repro.report.summary import NOTHING

NOT_RUN = "not run"
VERDICTS = ("reproduced", "contradicted", "inconclusive")
"""What a row that was run can be."""
SMALL = "reproduced, but small"
"""By less than the margin of the claim."""
SIGNS = {"reproduced": "✓", SMALL: "✓", "contradicted": "✗", "inconclusive": "?", NOT_RUN: "–"}
"""Stands before the word, so that neither colour nor sign tells a verdict alone."""

ASTERISK = "An asterisk: the paper does not show the claim for this network."


def sentence(row: LedgerRow) -> str:
    """What is judged, without the remark that the paper does not show it for this network."""
    return row.title.removesuffix(EXTENSION)


def extended(row: LedgerRow) -> bool:
    """Whether the paper does not show the claim for this network."""
    return row.title.endswith(EXTENSION)


def recalled(row: LedgerRow) -> bool:
    """Whether the paper's numbers were recalled from memory, not read."""
    return row.reported is not None and row.reported["mark"] == "recalled"


def primaries(rows: Iterable[LedgerRow]) -> dict[str, list[LedgerRow]]:
    """The primary rows of every claim, in the order of the ledger."""
    found: dict[str, list[LedgerRow]] = {}
    for row in rows:
        if not row.variant:
            found.setdefault(row.claim, []).append(row)
    return found


def judged(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """The primary rows that have a verdict."""
    return [row for row in rows if not row.variant and row.verdict != NOT_RUN]


def place(row: LedgerRow) -> Place:
    """Where the row was, or would be, judged."""
    return Place(row.network, row.dataset)


def verdict(row: LedgerRow) -> str:
    """Sign and word: `✓ reproduced`, styled by its name."""
    return styled(f"**{SIGNS[row.verdict]} {row.verdict}**", "verdict", row.verdict)


def word(row: LedgerRow) -> str:
    """The verdict, or `SMALL`."""
    return SMALL if row.finding == Finding.SMALLER.value else row.verdict


def asterisk(row: LedgerRow) -> str:
    """A mark on a network for which the paper does not show the claim."""
    return "\\*" if extended(row) else ""


def effect(row: LedgerRow) -> str:
    """`+0.5 [+0.3, +0.7] points`, or a factor where the unit is decades; `no value` where no run gave one."""
    if row.effect is None:
        return "no value"
    ends = ",\N{NO-BREAK SPACE}".join(_told(end, row.unit) for end in row.interval or ())
    interval, unit = f" [{ends}]" if ends else "", "" if row.unit == "decades" else f" {row.unit}"
    return f"{_told(row.effect, row.unit)}{interval}{unit}"


def reported(row: LedgerRow) -> str:
    """The effect, or the range, that the paper's numbers give, and for which network if for another.

    A question mark stands after what is recalled.
    """
    if row.reported is None:
        return NOTHING
    given = row.reported["effect"]
    ends = given if isinstance(given, list) else [given]
    other = f" ({row.reported['network']})" if _of_another(row) else ""
    return " to ".join(_told(end, row.unit) for end in ends) + ("?" if recalled(row) else "") + other


def margin(row: LedgerRow, comparison: Comparison) -> str:
    """The smallest effect worth speaking of, or the range claimed: `0.5 points`, `×3 to ×10`."""
    region = (row.margin,) if comparison.span is None else comparison.region(row.network)
    if row.unit == "decades":
        return " to ".join(f"×{10**end:.3g}" for end in region)
    return f"{' to '.join(f'{end:.3g}' for end in region)} {row.unit}"


def counts(row: LedgerRow) -> str:
    """`5`, or `5, 1 failed`: runs attempted in the smallest arm, and those that gave no value."""
    lost = [f"{count} {word}" for count, word in ((row.failed, "failed"), (row.diverged, "diverged")) if count]
    return ", ".join([str(row.n), *lost])


def test(row: LedgerRow) -> str:
    """How effect, interval and p were computed."""
    p = "" if row.p is None else f"; p {row.p:.2g}"
    return row.test + p + ("" if row.p_holm is None else f", corrected {row.p_holm:.2g}")


def notes(rows: Sequence[LedgerRow]) -> str:
    """What the marks beside the rows mean, as far as they bear any."""
    said = [
        ASTERISK if any(map(extended, rows)) else "",
        "A question mark after a number: recalled from memory, not read." if any(map(recalled, rows)) else "",
        "A network after the paper's number: the only one it has it for." if any(map(_of_another, rows)) else "",
    ]
    return " ".join(filter(None, said))


def _of_another(row: LedgerRow) -> bool:
    return "network" in (row.reported or {})


def _told(value: float, unit: str) -> str:
    return f"×{_factor(value)}" if unit == "decades" else f"{value:+.3g}"


def _factor(decades: float) -> str:
    """The factor that a difference of logarithms means, with two or three digits: `0.013`, `0.987`, `1.30`, `3,270`."""
    factor = float(f"{10**decades:.3g}")
    if 0.1 < factor < 3:
        return f"{factor:#.3g}"
    return f"{factor:,.0f}" if 100 <= factor < 1e6 else f"{factor:.2g}"

"""Claim by claim: what was found on every network, how it was judged, and what other choices give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repro.claims.claim import Claim
from repro.claims.ledger import LedgerRow
from repro.report import ledger
from repro.report.cost import cost
from repro.report.ledger import NOT_RUN, asterisk, primaries
from repro.report.markdown import blocks, boxed, code, folded, table
from repro.report.results import Results
from repro.report.verdicts import strongest_first

_HEAD = (
    "network, data set",
    "profile",
    "verdict",
    "finding",
    "effect here",
    "the paper",
    "n",
    "margin or range",
    "cost",
)
_ROWS = ("row", *_HEAD[:-1], "test")


def sections(profiles: Sequence[Results]) -> list[str]:
    """One section a claim, in the paper's order, under the anchor of its id."""
    return [_section(profiles, claim) for claim in profiles[0].claims]


def _section(profiles: Sequence[Results], claim: Claim) -> str:
    head = f"### {claim.id} {claim.primary.title} {{ #{claim.id.lower()} }}"
    ran = [(results, row) for results in strongest_first(profiles) for row in _attempted(results, claim)]
    main = [(results, row) for results, row in ran if not row.variant]
    shown = table(_HEAD, [(*_cells(claim, *each), cost_of(*each)) for each in main]) if main else ""
    said = f"*{claim.where}.* The effect is {claim.primary.effect}."
    marks = ledger.notes([row for _, row in main])
    return blocks([head, said, boxed("claim", shown), marks, _idle(profiles, claim), _how(claim, ran)])


def cost_of(results: Results, row: LedgerRow) -> str:
    """What the row has cost by the clock."""
    return cost(results, results.behind(row)).total


def _attempted(results: Results, claim: Claim) -> list[LedgerRow]:
    return [row for row in results.ledger if row.claim == claim.id and row.verdict != NOT_RUN]


def _idle(profiles: Sequence[Results], claim: Claim) -> str:
    """The networks on which no profile has judged it."""
    every = [row for results in profiles for row in primaries(results.ledger).get(claim.id, [])]
    ran = {row.network for row in every if row.verdict != NOT_RUN}
    idle = dict.fromkeys(row.network + asterisk(row) for row in every if row.network not in ran)
    return f"Not run on {', '.join(idle)}." if idle else ""


def _how(claim: Claim, ran: Sequence[tuple[Results, LedgerRow]]) -> str:
    """Folded: the quantity, the margin, the tests, and the rows of the other choices."""
    facts = {
        "measured": claim.primary.measured if claim.primary.arms else "",
        "kind": claim.primary.kind,
        "margin from": claim.primary.margin_from,
        "needs the gap of": ", ".join(dict.fromkeys(row.needs_gap for row in claim.comparisons if row.needs_gap)),
    }
    commands = dict.fromkeys(code(row.command) for _, row in ran)
    said = "\n".join(f"- *{name}* {fact}" for name, fact in (facts | {"command": ", ".join(commands)}).items() if fact)
    rows = [(_name(claim, row), *_cells(claim, results, row), ledger.test(row)) for results, row in ran]
    others = sum(bool(row.variant) for _, row in ran)
    title = "How it was judged" + (_others(others) if others else "")
    legend = "Intervals of primary rows are Holm-corrected, those of the other rows are not." if rows else ""
    return folded(title, blocks([said, boxed("rows", table(_ROWS, rows) if rows else ""), legend, _lost(claim, ran)]))


def _lost(claim: Claim, ran: Sequence[tuple[Results, LedgerRow]]) -> str:
    """Why runs gave no value, of every row where some did not."""
    said = []
    for results, row in ran:
        comparison = claim.comparison(row.variant)
        assert comparison is not None
        values = [each for each in results.behind(row) if each.quantity == comparison.quantity]
        failed = Counter(
            (each.arm, each.reason if each.status == "failed" else f"{each.value:.3g} has no logarithm")
            for each in values
            if each.status == "failed" or (each.status == "ok" and not comparison.on_scale(each.value))
        )
        where = ", ".join([code(results.profile), row.network, *([code(row.variant)] if row.variant else [])])
        said += [f"- {where}, {count} of {arm or 'the runs'}: {reason}" for (arm, reason), count in failed.items()]
    return "\n".join(["Without a value:", "", *said]) if said else ""


def _others(number: int) -> str:
    return f", and {number} rows that vary a choice" if number > 1 else ", and a row that varies a choice"


def _cells(claim: Claim, results: Results, row: LedgerRow) -> Sequence[object]:
    comparison = claim.comparison(row.variant)
    assert comparison is not None
    return (
        f"{row.network}{asterisk(row)}, {row.dataset}",
        code(results.profile),
        ledger.verdict(row),
        row.finding,
        ledger.effect(row),
        ledger.reported(row),
        ledger.counts(row),
        ledger.margin(row, comparison),
    )


def _name(claim: Claim, row: LedgerRow) -> str:
    if not row.variant:
        return "primary"
    title = ledger.sentence(row)
    return code(row.variant) + ("" if title == claim.primary.title else f": {title}")

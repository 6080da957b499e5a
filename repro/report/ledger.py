"""The ledger on a page: which claim holds on which network, then every row that was run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from repro.claims.ledger import EXTENSION, LedgerRow
from repro.report.markdown import blocks, code, listing, table
from repro.report.origin import data_set
from repro.report.results import Results
from repro.report.summary import NOTHING

NOT_RUN = "not run"
_ASTERISK = "An asterisk: the paper does not show the claim for this network."
_HEAD = (
    *("claim", "network, data set", "row", "verdict", "finding", "effect [interval]", "margin"),
    *("n, failed, diverged", "reported", "test"),
)


def sentence(row: LedgerRow) -> str:
    """What is judged, without the remark that the paper does not show it for this network."""
    return row.title.removesuffix(EXTENSION)


def primaries(rows: Iterable[LedgerRow]) -> dict[str, list[LedgerRow]]:
    """The primary rows of every claim, in the order of the ledger."""
    found: dict[str, list[LedgerRow]] = {}
    for row in rows:
        if not row.variant:
            found.setdefault(row.claim, []).append(row)
    return found


def matrix(results: Results) -> str:
    """Every claim against the networks on which any has a verdict, and where each was not run."""
    ran = {row.network for row in results.ledger if not row.variant and row.verdict != NOT_RUN}
    networks = [network for network in results.paper.networks if network in ran]
    rows = [
        (claim, sentence(found[0]), *(_verdicts(found, network) for network in networks), _idle_networks(found))
        for claim, found in primaries(results.ledger).items()
    ]
    shown = table(("claim", "sentence", *networks, "not run on"), rows)
    return blocks([shown, _ASTERISK if any(map(_extended, results.ledger)) else ""])


def details(results: Results) -> str:
    """Every row that was attempted, primary rows and variants; the sentence where a variant has its own."""
    ran = [row for row in results.ledger if row.verdict != NOT_RUN]
    if not ran:
        return ""
    legend = [
        "Effects and intervals are those of the verdict: Holm-corrected in primary rows, uncorrected in variants. "
        "`reported` is the effect that the paper's own means give.",
        "A question mark: recalled from memory, not read." if any(map(_recalled, ran)) else "",
    ]
    return blocks([table(_HEAD, [_cells(results, row) for row in ran]), " ".join(filter(None, legend))])


def tally(results: Results) -> list[str]:
    """One sentence for each network and data set on which a primary row has a verdict."""
    ran = [row for row in results.ledger if not row.variant and row.verdict != NOT_RUN]
    sentences = []
    for network, dataset in dict.fromkeys((row.network, row.dataset) for row in ran):
        here = [row for row in ran if (row.network, row.dataset) == (network, dataset)]
        counts = Counter(row.verdict for row in here)
        words = listing(f"{counts[word]} {word}" for word in ("reproduced", "contradicted", "inconclusive"))
        idle = [row.claim for row in results.ledger if _idle(row, network)]
        rest = f"; {listing(idle)} not run" if idle else ""
        claims = "claim" if len(here) == 1 else "claims"
        sentences.append(f"`{results.profile}`, {network} on {dataset}: of {len(here)} {claims} judged, {words}{rest}.")
    return sentences


def _idle(row: LedgerRow, network: str) -> bool:
    return not row.variant and row.network == network and row.verdict == NOT_RUN


def _verdicts(rows: Sequence[LedgerRow], network: str) -> str:
    found = [row for row in rows if row.network == network]
    words = (row.verdict if row.verdict == NOT_RUN else f"**{row.verdict}**" + _mark(row) for row in found)
    return "; ".join(words) or NOTHING


def _idle_networks(rows: Sequence[LedgerRow]) -> str:
    return ", ".join(row.network + _mark(row) for row in rows if row.verdict == NOT_RUN) or NOTHING


def _mark(row: LedgerRow) -> str:
    return "\\*" if _extended(row) else ""


def _cells(results: Results, row: LedgerRow) -> Sequence[object]:
    return (
        row.claim,
        f"{row.network}{_mark(row)}, {data_set(results, row.network, row.dataset)}",
        _name(results, row),
        f"**{row.verdict}**",
        row.finding,
        f"{effect(row)} {row.unit}",
        f"{row.margin:.3g}",
        f"{row.n}, {row.failed}, {row.diverged}",
        reported(row),
        _test(row),
    )


def effect(row: LedgerRow) -> str:
    """`+0.5 [+0.3, +0.7]`; `no value` where no run gave one."""
    if row.effect is None:
        return "no value"
    return f"{row.effect:+.3g}" + (f" [{row.interval[0]:+.3g}, {row.interval[1]:+.3g}]" if row.interval else "")


def reported(row: LedgerRow) -> str:
    """The effect, or the range, that the paper's own numbers give."""
    if row.reported is None:
        return NOTHING
    given = row.reported["effect"]
    words = " to ".join(f"{value:+.3g}" for value in (given if isinstance(given, list) else [given]))
    return words + ("?" if _recalled(row) else "")


def _name(results: Results, row: LedgerRow) -> str:
    if not row.variant:
        return "primary"
    primary = next(each for each in results.ledger if each.claim == row.claim and not each.variant)
    return code(row.variant) + ("" if sentence(row) == sentence(primary) else f": {sentence(row)}")


def _extended(row: LedgerRow) -> bool:
    return row.title.endswith(EXTENSION)


def _recalled(row: LedgerRow) -> bool:
    return row.reported is not None and row.reported["mark"] == "recalled"


def _test(row: LedgerRow) -> str:
    p = "" if row.p is None else f"; p {row.p:.2g}"
    return row.test + p + ("" if row.p_holm is None else f", corrected {row.p_holm:.2g}")

"""The ledger as plain text for a terminal: what was found, then what was not run; nothing is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

from repro.claims.ledger import EXTENSION, LedgerRow

WIDTH = 110
"""Columns that running text is wrapped to; rows of the usual names fit in them too."""

_HEAD = ("net", "data set", "variant", "verdict", "effect [interval]", "unit", "paper", "n")
_SAID_BY_THE_VERDICT = ("as claimed", "the interval allows both")


def as_table(rows: Sequence[LedgerRow]) -> str:
    """The rows in aligned columns, under the sentence they judge; `""` for no rows.

    Effect and interval are those of the verdict; `paper` is the effect computed from the paper's own means.
    Failed and diverged runs stand under their row, and so does a finding that the verdict does not say by
    itself.
    """
    ran = [row for row in rows if row.verdict != "not run"]
    cells = [_HEAD, *map(_cells, ran)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(_HEAD, widths)] if ran else []
    for claim, sentence in dict.fromkeys((row.claim, _sentence(row)) for row in ran):
        lines += ["", _wrapped(f"{claim}  {sentence}")]
        for row in ran:
            if (row.claim, _sentence(row)) == (claim, sentence):
                lines += [_line(_cells(row), widths), *_notes(row)]
    return "\n".join([*lines, *_not_run(rows), *_legend(ran)]).strip("\n")


def _cells(row: LedgerRow) -> tuple[str, ...]:
    return (
        row.network + ("*" if row.title.endswith(EXTENSION) else ""),
        row.dataset,
        row.variant,
        row.verdict,
        _effect(row),
        row.unit,
        _paper(row),
        str(row.n),
    )


def _paper(row: LedgerRow) -> str:
    if row.reported is None:
        return ""
    effect = row.reported["effect"]
    numbers = effect if isinstance(effect, list) else [effect]
    marks = ("?" if row.reported["mark"] == "recalled" else "") + ("^" if "network" in row.reported else "")
    return "..".join(f"{number:+.3g}" for number in numbers) + marks


def _effect(row: LedgerRow) -> str:
    if row.effect is None:
        return "no value"
    interval = "" if row.interval is None else f" [{row.interval[0]:+.3g}, {row.interval[1]:+.3g}]"
    return f"{row.effect:+.3g}{interval}"


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(["", *(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))]).rstrip()


def _notes(row: LedgerRow) -> list[str]:
    notes = [] if row.finding in _SAID_BY_THE_VERDICT else [row.finding]
    notes += [f"{count} {what}" for count, what in ((row.failed, "failed"), (row.diverged, "diverged")) if count]
    return [_wrapped(f"      {row.network} {row.variant}: {', '.join(notes)}".replace(" :", ":"))] if notes else []


def _sentence(row: LedgerRow) -> str:
    return row.title.removesuffix(EXTENSION)


def _not_run(rows: Sequence[LedgerRow]) -> list[str]:
    networks: dict[str, list[str]] = {}
    for row in rows:
        if row.verdict == "not run":
            networks.setdefault(row.claim, []).append(row.network)
    listed = "; ".join(f"{claim} on {', '.join(names)}" for claim, names in networks.items())
    return ["", _wrapped(f"Not run: {listed}.")] if networks else []


def _legend(ran: Sequence[LedgerRow]) -> list[str]:
    lines = []
    if ran:
        lines.append("Primary rows: intervals corrected by Holm within a network. Variants: not corrected.")
    if any(row.title.endswith(EXTENSION) for row in ran):
        lines.append("* an extension: the paper does not show the claim for this network.")
    if any((row.reported or {}).get("mark") == "recalled" for row in ran):
        lines.append("? the paper's numbers are recalled from memory, not read.")
    others = sorted({row.reported["network"] for row in ran if row.reported and "network" in row.reported})
    if others:
        lines.append(f"^ the paper's numbers are those of another network: {', '.join(others)}.")
    return ["", *lines] if lines else []


def _wrapped(text: str) -> str:
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    return fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)

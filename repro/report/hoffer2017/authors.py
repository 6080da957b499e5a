"""What was digitised from the authors' own figures, as panels beside ours; and a colour for each batch of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.report.figure import Line, Panel
from repro.report.results import Results

_COLOURS = ("SB", "+GBN", "+RA", "+LR", "LB", "sharpness", "train")


def colours(batches: Sequence[int]) -> dict[int, str]:
    """A colour for each batch size, from the smallest to the largest; more than seven share them."""
    return {batch: _COLOURS[place % len(_COLOURS)] for place, batch in enumerate(sorted(batches))}


def final_errors(digitised: Mapping[str, Any]) -> Panel:
    """Validation error against the batch (Fig. 1)."""
    errors = [(float(batch), error) for batch, error in digitised["final_error"]]
    line = Line("final validation error", "test", {"authors": errors})
    return Panel(
        _title(digitised),
        "batch size, examples",
        "validation error, percent",
        [line],
        log_x=True,
        ticks=[batch for batch, _ in errors],
        share=True,
    )


def distances(digitised: Mapping[str, Any], which: str) -> Panel:
    """Distance from the start against updates (Fig. 2), `before` the cures or `after` them."""
    curves = {
        int(batch): [(float(t), distance) for t, distance in points] for batch, points in digitised[which].items()
    }
    colour = colours([*curves])
    lines = [Line(f"batch {batch}", colour[batch], {"authors": points}) for batch, points in curves.items()]
    return Panel(f"{_title(digitised)} ({which})", "updates", "distance from the start", lines, log_x=True)


def adapted_errors(results: Results) -> str:
    """Where the authors' curves of Fig. 3 end; nothing without their numbers."""
    if not results.figures:
        return ""
    ends = ", ".join(f"{error} % at batch {name}" for name, error in results.figures["adapted_error"])
    where = f"{results.figures['network']} on {results.figures['dataset']}"
    return f" The authors' curves, of {where}, digitised from {results.figures['source']}, end at {ends}."


def remark(results: Results, caveat: str = "") -> str:
    """Where the authors' panels come from, and what to bear in mind; nothing without their numbers."""
    if not results.figures:
        return ""
    return (
        f" The authors' panels are digitised from {results.figures['source']} of {results.paper.venue} "
        f"{results.paper.year}, one run a curve.{caveat}"
    )


def _title(digitised: Mapping[str, Any]) -> str:
    return f"{digitised['network']}, {digitised['dataset']}, the authors'"

"""What the authors' own figures show, whatever has been run here; and a colour for each batch of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.report.figure import Figure, Line, Panel

_COLOURS = ("SB", "+GBN", "+RA", "+LR", "LB", "sharpness")


def colours(batches: Sequence[int]) -> dict[int, str]:
    """A colour for each batch size, from the smallest to the largest; more than six share them."""
    return {batch: _COLOURS[place % len(_COLOURS)] for place, batch in enumerate(sorted(batches))}


def figure(digitised: Mapping[str, Any]) -> Figure:
    """Final error against the batch (Fig. 1), and distances against updates, before and after the cures (Fig. 2)."""
    title = f"{digitised['network']}, {digitised['dataset']}, the authors'"
    errors = [(float(batch), error) for batch, error in digitised["final_error"]]
    line = Line("final validation error", "test", {"authors": errors})
    ticks = [batch for batch, _ in errors]
    first = Panel(
        title, "batch size, examples", "validation error, percent", [line], log_x=True, ticks=ticks, share=True
    )
    return Figure("authors-figs", [[first, *(_distances(title, digitised, which) for which in ("before", "after"))]])


def _distances(title: str, digitised: Mapping[str, Any], which: str) -> Panel:
    curves = {
        int(batch): [(float(t), distance) for t, distance in points] for batch, points in digitised[which].items()
    }
    colour = colours([*curves])
    lines = [Line(f"batch {batch}", colour[batch], {"authors": points}) for batch, points in curves.items()]
    return Panel(f"{title} ({which})", "updates", "distance from the start", lines, log_x=True)

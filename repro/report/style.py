"""One look for every figure, in light and in dark."""

from __future__ import annotations

from typing import Any

INK, PAPER, EDGE, GRID = "#1A1A1A", "#FFFFFF", "#555555", "#E5E5E5"

COLOURS = {
    "SB": "#0072B2",
    "LB": "#D55E00",
    "train": INK,
    "test": "#009E73",
    "sharpness": "#CC79A7",
    "+LR": "#E69F00",
    "+GBN": "#56B4E9",
    "+RA": "#009E73",
    "fp32": "#0072B2",
    "bf16": "#D55E00",
    "decay": "#0072B2",
    "hybrid": "#56B4E9",
    "increase": "#D55E00",
    "rate": "#E69F00",
    "momentum": "#CC79A7",
    "constant": INK,
    "past": "#009E73",
    "64": "#E69F00",
    "256": "#0072B2",
    "1024": "#CC79A7",
    "switched": "#1A1A1A",
    "linear": "#D55E00",
    "sqrt": "#0072B2",
    "dcl": "#009E73",
}
"""Told apart by the colour-blind (Okabe and Ito 2008), and each means one thing in a figure."""

DARK = {INK: "#E8E8E8", PAPER: "#1E2129", EDGE: "#A3A3A3", GRID: "#3A3F4B", "#0072B2": "#2F8FD8"}
"""What a colour becomes on a dark page; the others are read on both."""


def dark_css(selector: str) -> str:
    """Rules for dark pages: what shows a colour shows its dark one; off a page, where the reader's system is dark.

    Args:
        selector: of what has the `{colour}`, in small letters, as its `{part}`, fill or stroke.
    """
    rules = (
        f"{selector.format(part=part, colour=light.lower())}{{{part}: {dark} !important}}"
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}"


RC: dict[Any, Any] = {
    "axes.edgecolor": EDGE,
    "axes.facecolor": PAPER,
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "figure.facecolor": PAPER,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": GRID,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",
    "svg.hashsalt": "repro",
    "text.color": INK,
    "xtick.color": EDGE,
    "xtick.labelcolor": INK,
    "ytick.color": EDGE,
    "ytick.labelcolor": INK,
}
"""Matplotlib settings; the salt makes the same figure the same bytes."""

PANEL = 3.9, 2.9
"""Width and height of a panel in inches."""
FEW = 12
"""Lines of at most so many points show them."""
THIN, BAND = 0.5, 0.15
"""Opacity of a seed's line, and of an interval, beside the mean."""

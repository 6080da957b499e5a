"""One look for every figure: a white card that is read on light and dark pages alike."""

from __future__ import annotations

from typing import Any

COLOURS = {
    "SB": "#0072B2",
    "LB": "#D55E00",
    "train": "#1A1A1A",
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
    "constant": "#1A1A1A",
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

RC: dict[Any, Any] = {
    "axes.edgecolor": "#555555",
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.facecolor": "#FFFFFF",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": "#E5E5E5",
    "legend.fontsize": 8,
    "legend.framealpha": 0.85,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "savefig.facecolor": "#FFFFFF",
    "svg.fonttype": "path",
    "svg.hashsalt": "repro",
}
"""Matplotlib settings; the salt makes the same figure the same bytes."""

PANEL = 3.9, 2.9
"""Width and height of a panel in inches."""
FEW = 12
"""Lines of at most so many points show them."""

"""The exhibits of Hoffer et al. 2017: Table 1, Figs. 1 to 3, the random potential, and long training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.claims.paper import Paper
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure
from repro.report.hoffer2017 import authors, columns, curves
from repro.report.hoffer2017.long_training import long_training
from repro.report.hoffer2017.potential import potential
from repro.report.results import Results

__all__ = ["exhibits", "released"]


def released(figures: Mapping[str, Any], paper: Paper) -> tuple[str, Figure] | None:
    """What was digitised from the authors' figures: Markdown and a figure; `None` without their numbers."""
    if not figures:
        return None
    text = (
        f"Digitised from {figures['source']} of {paper.venue} {paper.year}, one run a curve. The distances are very "
        "probably those of the network's first parameter, the only one that the released code logs."
    )
    return text, authors.figure(figures)


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [
        columns.table_1(results),
        curves.figure_1(results),
        curves.figure_2(results),
        columns.growth(results),
        curves.figure_3(results),
        potential(results),
        long_training(results),
    ]

"""The exhibits of Hoffer et al. 2017: Table 1, Figs. 1 to 3, and the random potential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.claims.paper import Paper
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure
from repro.report.hoffer2017 import columns, curves
from repro.report.hoffer2017.potential import potential
from repro.report.results import Results

__all__ = ["exhibits", "released"]


def released(figures: Mapping[str, Any], paper: Paper) -> tuple[str, Figure] | None:  # noqa: ARG001
    """The authors released no figure as data."""
    return None


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [
        columns.table_1(results),
        curves.figure_1(results),
        curves.figure_2(results),
        columns.growth(results),
        curves.figure_3(results),
        potential(results),
    ]

"""The exhibits of Smith et al. 2018: the schedules, Figs. 2 and 5, and what they cost."""

from __future__ import annotations

from repro.report.exhibit import Exhibit
from repro.report.results import Results
from repro.report.smith2018 import cost, schedules

__all__ = ["exhibits"]


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [schedules.table(results), schedules.figure_5(results), cost.seconds(results)]

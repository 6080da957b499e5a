"""The exhibits of Hoffer et al. 2017: Table 1, how flat its columns end, Figs. 1 to 3, the potential, long training."""

from __future__ import annotations

from repro.report.exhibit import Exhibit
from repro.report.hoffer2017 import columns, curves
from repro.report.hoffer2017.long_training import long_training
from repro.report.hoffer2017.potential import potential
from repro.report.results import Results


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [
        columns.table_1(results),
        curves.figure_1(results),
        curves.figure_2(results),
        columns.growth(results),
        curves.figure_3(results),
        potential(results),
        columns.flatness(results),
        long_training(results),
    ]

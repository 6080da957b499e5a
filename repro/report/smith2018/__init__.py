"""The exhibits of Smith et al. 2018: Figs. 1 to 5, the updates and seconds saved, and noise and momentum on the way."""

from __future__ import annotations

from repro.report.exhibit import Exhibit
from repro.report.results import Results
from repro.report.smith2018 import cost, curves, declared, momentum, noise, schedules

__all__ = ["exhibits"]


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [
        declared.figure_1(results),
        schedules.table(results),
        curves.updates_saved(results),
        curves.figure_2(results),
        curves.figure_3(results),
        curves.figure_4(results),
        schedules.figure_5(results),
        cost.seconds(results),
        noise.measured_noise(results),
        momentum.momentum(results),
    ]

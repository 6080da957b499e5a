"""The exhibits of Keskar et al. 2017: Tables 2 to 4, Figs. 2 to 7, Tables 6 and 7, what else was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.claims.paper import Paper
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure
from repro.report.keskar2017 import (
    accuracy,
    authors,
    batch_sweep,
    boxes,
    curvature,
    directions,
    loss_tracking,
    minima_tables,
    optimisers,
    paths,
    remedies,
    warm_start,
)
from repro.report.results import Results

__all__ = ["exhibits", "released"]


def released(figures: Mapping[str, Any], paper: Paper) -> tuple[str, Figure] | None:
    """What the authors released themselves: Markdown and a figure; `None` without their numbers."""
    if not figures:
        return None
    text = f"One pair of runs a network, read from the vector drawings of {figures['source']}."
    return f"{text}\n\n{authors.gaps(figures, paper)}", authors.figure(figures, paper)


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [
        accuracy.table_2(results),
        minima_tables.table_3(results),
        minima_tables.table_4(results),
        accuracy.figure_2(results),
        paths.figure_3(results),
        batch_sweep.figure_4(results),
        warm_start.figure_5(results),
        loss_tracking.figure_6(results),
        paths.figure_7(results),
        remedies.table_6(results),
        remedies.table_7(results),
        optimisers.optimisers(results),
        directions.directions(results),
        curvature.spectra(results),
        curvature.along_training(results),
        boxes.boxes(results),
    ]

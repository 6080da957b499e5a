"""Figures as data: what is drawn, before it is drawn, and the same as a table of numbers."""

from __future__ import annotations

import csv
import io
import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from repro.claims.estimate import one_sample

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Mean:
    """Mean over seeds at one x, with its 95 % interval, or `None` for fewer than two seeds."""

    x: float
    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Line:
    """One quantity of one arm.

    Attributes:
        label: in the legend.
        colour: a name of `repro.report.style.COLOURS`.
        seeds: its points for every seed, in order of x, under the seed's name, which is empty where nothing was run.
        dashed: drawn with dashes.
        band: half-width of what is shaded around it, in the unit of y.
        averaged: whether seeds share their x, so that a mean can be drawn.
    """

    label: str
    colour: str
    seeds: Mapping[str, Points]
    dashed: bool = False
    averaged: bool = True
    band: float = 0.0

    @property
    def legend(self) -> str:
        """`SB, n = 5`; the label alone where nothing was run."""
        return self.label if self.declared else f"{self.label}, n = {len(self.seeds)}"

    @property
    def summed_up(self) -> bool:
        """Whether its seeds stand behind their mean."""
        return self.averaged and len(self.seeds) > 1

    @property
    def declared(self) -> bool:
        """Whether it is known before anything is run, and belongs to no seed."""
        return "" in self.seeds

    def means(self, *, log: bool = False, share: bool = False) -> list[Mean]:
        """The mean at every x that all seeds reached.

        Args:
            log: whether it is the geometric mean, and there is none where a value is not positive.
            share: whether y is a percentage of something, so that an interval ends at 0 and at 100.
        """
        if not self.averaged or not self.seeds:
            return []
        tables = [dict(points) for points in self.seeds.values()]
        shared = [x for x in tables[0] if all(x in table and (table[x] > 0 or not log) for table in tables)]
        return [_mean(x, [table[x] for table in tables], log, share) for x in shared]

    def stretches(self, means: Sequence[Mean]) -> list[list[Mean]]:
        """Its means, cut where some seed has points between two of them: there is no mean of all to draw there."""
        placed = {mean.x for mean in means}
        alone = sorted({x for points in self.seeds.values() for x, _ in points} - placed)
        return [list(stretch) for _, stretch in groupby(means, lambda mean: bisect(alone, mean.x))]


@dataclass(frozen=True)
class Panel:
    """A pair of axes.

    Attributes:
        title: above it.
        x, y: what the axes show, with units.
        lines: what is drawn.
        log_x, log_y: whether an axis is logarithmic.
        low_y: where y ends below, if positive.
        share: whether y is a percentage of examples, so that no interval leaves 0 to 100.
        linear_x: where positive, x is linear up to this magnitude and logarithmic beyond it, on both sides of zero.
        falling: whether x grows to the left.
        ticks: where x is labelled; empty for round numbers.
        marks: vertical lines, (x, label, colour).
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False
    low_y: float = 0.0
    share: bool = False
    linear_x: float = 0.0
    falling: bool = False
    ticks: Sequence[float] = ()
    marks: Sequence[tuple[float, str, str]] = ()

    @property
    def kind_of_mean(self) -> str:
        """`mean`, or `geometric mean` on a logarithmic axis."""
        return "geometric mean" if self.log_y else "mean"

    def means(self, line: Line) -> list[Mean]:
        """Of one of its lines, as this panel's y has them."""
        return line.means(log=self.log_y, share=self.share)


@dataclass(frozen=True)
class Figure:
    """Rows of panels.

    Attributes:
        name: of its files, without a suffix.
        rows: panels from left to right, rows from top to bottom, all equally long.
        interactive: whether a reader can pick seeds and read values off it, where scripts run.
    """

    name: str
    rows: Sequence[Sequence[Panel]]
    interactive: bool = False

    @property
    def panels(self) -> list[Panel]:
        """All of them, row by row."""
        return [panel for row in self.rows for panel in row]

    @property
    def geometric(self) -> bool:
        """Whether it draws a geometric mean of seeds."""
        return any(panel.log_y and line.summed_up for panel in self.panels for line in panel.lines)

    @property
    def description(self) -> str:
        """What is drawn, in words: axes, lines, and where each line begins and ends."""
        return " ".join(f"{panel.title}: {panel.y} against {panel.x}. {_described(panel)}" for panel in self.panels)


def as_csv(figure: Figure) -> bytes:
    """Every point of the figure: one row a seed, and one row `mean`, or `geometric mean`, with its interval."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["panel", "line", "seed", "x", "y", "low", "high"])
    for panel in figure.panels:
        where = f"{panel.title}: {panel.y}"
        for line in panel.lines:
            for seed, points in line.seeds.items():
                writer.writerows([where, line.label, seed, x, y, "", ""] for x, y in points)
            for mean in panel.means(line):
                writer.writerow(
                    [where, line.label, panel.kind_of_mean, mean.x, mean.mean, *(mean.interval or ("", ""))]
                )
    return written.getvalue().encode()


def _described(panel: Panel) -> str:
    lines = [f"{line.legend}{_course(panel.means(line))}" for line in panel.lines if line.seeds]
    return f"{'; '.join(lines)}." if lines else "No values."


def _course(means: Sequence[Mean]) -> str:
    """From the first mean to the last; nothing where there is no mean."""
    if not means:
        return ""
    first, last = means[0], means[-1]
    return f": {first.mean:.3g} at {first.x:.3g} to {last.mean:.3g} at {last.x:.3g}"


def _mean(x: float, values: Sequence[float], log: bool, share: bool) -> Mean:
    estimate = one_sample([math.log10(value) for value in values] if log else values)
    mean, interval = estimate.mean, estimate.interval(0.05)
    if log:
        mean, interval = 10**mean, interval and (10 ** interval[0], 10 ** interval[1])
    if share and interval:
        interval = max(interval[0], 0.0), min(interval[1], 100.0)
    return Mean(x, mean, interval)

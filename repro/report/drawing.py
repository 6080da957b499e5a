"""From a figure's data to SVG, in light and dark; the same figure gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import chain

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogFormatter, NullLocator

from repro.report.figure import Figure, Line, Mean, Panel, Points
from repro.report.style import BAND, COLOURS, FEW, PANEL, RC, THIN, dark_css


def as_svg(figure: Figure) -> bytes:
    """Seeds as thin lines, their mean as a thick one with its 95 % interval, n in the legend."""
    with matplotlib.rc_context(RC):
        rows, columns = len(figure.rows), len(figure.rows[0])
        canvas = Canvas(figsize=(PANEL[0] * columns, PANEL[1] * rows), layout="constrained")
        FigureCanvasSVG(canvas)
        grid = canvas.subplots(rows, columns, squeeze=False)
        for axes, panel in zip(chain(*grid), figure.panels, strict=True):
            _draw_panel(axes, panel)
        _draw_legend(canvas, rows)
        written = io.BytesIO()
        canvas.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue().replace(b"</style>", dark_css('[style*="{part}: {colour}"]').encode() + b"</style>", 1)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    _scale_axes(axes, panel)
    for x, label, colour in panel.marks:
        axes.axvline(x, color=COLOURS[colour], linewidth=1, linestyle=":", label=label)
    for line in panel.lines:
        _draw_line(axes, line, panel.means(line))
    if not any(line.seeds for line in panel.lines):
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center")
    if panel.falling:
        axes.invert_xaxis()
    if panel.low_y:
        axes.set_ylim(bottom=panel.low_y)


def _scale_axes(axes: Axes, panel: Panel) -> None:
    if panel.log_x:
        axes.set_xscale("log")
    if panel.linear_x:
        axes.set_xscale("asinh", linear_width=panel.linear_x)
    if panel.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PlainLogFormatter())
        axes.yaxis.set_minor_formatter(_PlainLogFormatter())
    if panel.ticks:
        axes.set_xticks(panel.ticks, [f"{x:g}" for x in panel.ticks])
        axes.xaxis.set_minor_locator(NullLocator())


class _PlainLogFormatter(LogFormatter):
    """`0.6`, where Matplotlib writes `6e-01`; it still chooses which ticks have a label."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos) and f"{x:g}"


def _draw_legend(canvas: Canvas, rows: int) -> None:
    """One legend below all panels, which have most of their labels in common."""
    labelled: dict[str, Artist] = {}
    for axes in canvas.axes:
        handles, labels = axes.get_legend_handles_labels()
        labelled |= dict(zip(labels, handles, strict=True))
    columns = len(canvas.axes) // rows
    canvas.legend(list(labelled.values()), list(labelled), loc="outside lower center", ncols=2 * columns)


def _draw_line(axes: Axes, line: Line, means: Sequence[Mean]) -> None:
    colour, dashes = COLOURS[line.colour], "--" if line.dashed else "-"
    thin = line.summed_up
    for index, points in enumerate(line.seeds.values()):
        style = {"linewidth": 0.7, "alpha": THIN} if thin else {"label": line.legend if index == 0 else "_"}
        marker = "o" if len(points) <= FEW and not line.declared else ""
        axes.plot(*_columns(points), dashes, color=colour, marker=marker, **style)
        if line.band:
            xs, ys = _columns(points)
            low, high = ([y + edge for y in ys] for edge in (-line.band, line.band))
            axes.fill_between(xs, low, high, color=colour, alpha=BAND, linewidth=0)
    for index, stretch in enumerate(line.stretches(means) if thin else []):
        xs = [mean.x for mean in stretch]
        bounds = [mean.interval or (mean.mean, mean.mean) for mean in stretch]
        axes.fill_between(xs, *_columns(bounds), color=colour, alpha=BAND, linewidth=0)
        label, alone = "_" if index else line.legend, "o" if len(stretch) == 1 else ""
        axes.plot(xs, [mean.mean for mean in stretch], dashes, color=colour, marker=alone, label=label)


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]

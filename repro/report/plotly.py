"""From a figure's data to plots for plotly.js, one a panel; the same figure gives the same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from repro.report.figure import Figure, Line, Mean, Panel
from repro.report.style import BAND, COLOURS, DARK, EDGE, FEW, GRID, INK, PAPER, THIN

Part = dict[str, Any]
"""A piece of what plotly.js reads."""
_LABELS = 8
"""Of an axis at most."""
_ROOM = 0.05
"""Above the highest point of an axis that is cut off below, as a fraction of its length."""


def as_plotly(figure: Figure) -> bytes:
    """JSON of the same points, means and intervals as in the drawing.

    `panels` holds data and layout of each, row by row, `columns` how many stand beside each other, `seeds` the names
    between which a reader can choose, and `dark` what each colour becomes on a dark page. The `meta` of a trace is the
    seed that it belongs to; without it, it stands whichever is chosen.
    """
    lines = [line for panel in figure.panels for line in panel.lines]
    seeds = dict.fromkeys(seed for line in lines if len(line.seeds) > 1 for seed in line.seeds)
    panels = [{"data": list(_traces(panel)), "layout": _layout(panel)} for panel in figure.panels]
    content = {"columns": len(figure.rows[0]), "seeds": list(seeds), "dark": DARK, "panels": panels}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _traces(panel: Panel) -> Iterator[Part]:
    for line in panel.lines:
        yield from (_seed(panel, line, seed) for seed in line.seeds)
        means = panel.means(line) if line.summed_up else []
        if means:
            stretches = line.stretches(means)
            yield from (_band(panel, line, stretch) for stretch in stretches)
            yield _mean(panel, line, stretches)
        elif line.seeds:
            yield _trace(panel, line, [None], [None]) | {"showlegend": True}


def _trace(panel: Panel, line: Line, xs: Sequence[float | None], ys: Sequence[float | None]) -> Part:
    """In the line's style; not in the legend, where each line stands once."""
    return {
        "x": [_along(panel, x) for x in xs],
        "y": list(ys),
        "name": line.legend,
        "legendgroup": line.legend,
        "showlegend": False,
        "mode": "lines+markers" if len(xs) <= FEW and not line.declared else "lines",
        "line": {"color": COLOURS[line.colour], "dash": "dash" if line.dashed else "solid", "width": 2},
    }


def _seed(panel: Panel, line: Line, seed: str) -> Part:
    points = line.seeds[seed]
    trace = _trace(panel, line, [x for x, _ in points], [y for _, y in points])
    trace["text"] = [f"{x:.4g}" for x, _ in points]
    whose = line.label if line.declared else f"{line.label}, seed {seed}"
    trace["hovertemplate"] = f"%{{y:.4g}} at %{{text}}<extra>{whose}</extra>"
    if line.summed_up:
        trace |= {"opacity": THIN}
        trace["line"]["width"] = 1
    return trace | ({"meta": seed} if len(line.seeds) > 1 else {})


def _mean(panel: Panel, line: Line, stretches: Sequence[Sequence[Mean]]) -> Part:
    """All stretches as one line, broken between them."""
    means = [mean for stretch in stretches for mean in (*stretch, None)][:-1]
    trace = _trace(panel, line, [m.x if m else None for m in means], [m.mean if m else None for m in means])
    trace["text"] = [f"{mean.x:.4g}" + _bounds(mean) if mean else "" for mean in means]
    whose = f"{line.label}, {panel.kind_of_mean}"
    return trace | {"showlegend": True, "hovertemplate": f"%{{y:.4g}} at %{{text}}<extra>{whose}</extra>"}


def _bounds(mean: Mean) -> str:
    return f"<br>95 % interval {mean.interval[0]:.4g} to {mean.interval[1]:.4g}" if mean.interval else ""


def _band(panel: Panel, line: Line, means: Sequence[Mean]) -> Part:
    """The intervals as one outline: along their lower ends, and back along the upper ones."""
    bounds = [(mean.x, mean.interval or (mean.mean, mean.mean)) for mean in means]
    outline = [(x, low) for x, (low, _) in bounds] + [(x, high) for x, (_, high) in reversed(bounds)]
    trace = _trace(panel, line, [x for x, _ in outline], [y for _, y in outline])
    colour = f"{COLOURS[line.colour]}{round(255 * BAND):02X}"
    return trace | {"mode": "none", "fill": "toself", "fillcolor": colour, "hoverinfo": "skip"}


def _along(panel: Panel, x: float | None) -> float | None:
    """Where x stands on the axis: plotly.js has no axis that is linear about zero and logarithmic beyond."""
    return math.asinh(x / panel.linear_x) if panel.linear_x and x is not None else x


def _layout(panel: Panel) -> Part:
    axis = {"automargin": True, "color": INK, "gridcolor": GRID, "linecolor": EDGE, "showline": True}
    axis |= {"ticks": "outside", "zeroline": False}
    return {
        "title": {"text": panel.title, "font": {"size": 14}, "x": 0.5},
        "font": {"color": INK, "family": "inherit", "size": 12},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "hoverlabel": {"bgcolor": PAPER},
        "legend": {"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0.5, "xanchor": "center"},
        "margin": {"l": 60, "r": 15, "t": 40, "b": 50},
        "shapes": [_mark(*mark) for mark in panel.marks],
        "xaxis": axis | {"title": {"text": panel.x, "standoff": 8}} | _horizontal(panel),
        "yaxis": axis | {"title": {"text": panel.y, "standoff": 8}} | _vertical(panel),
    }


def _horizontal(panel: Panel) -> Part:
    xs = [x for line in panel.lines for points in line.seeds.values() for x, _ in points]
    scale = _scale(panel.log_x, xs) | {"autorange": "reversed" if panel.falling else True}
    if not panel.ticks:
        return scale
    places = [_along(panel, x) for x in panel.ticks]
    return scale | {"tickmode": "array", "tickvals": places, "ticktext": [f"{x:g}" for x in panel.ticks]}


def _vertical(panel: Panel) -> Part:
    ys = [y for line in panel.lines for points in line.seeds.values() for _, y in points]
    if not panel.low_y:
        return _scale(panel.log_y, ys)
    shown = [panel.low_y, *(y for y in ys if y >= panel.low_y)]
    low, high = (math.log10(end) if panel.log_y else end for end in (min(shown), max(shown)))
    return _scale(panel.log_y, shown) | {"range": [low, high + _ROOM * (high - low)]}


def _scale(log: bool, values: Sequence[float]) -> Part:
    """On a logarithmic axis decades are labelled, and where it has but two, 2 and 5 times each as well."""
    if not log:
        return {"type": "linear"}
    positive = [value for value in values if value > 0]
    few = bool(positive) and max(positive) < 100 * min(positive)
    decades = math.log10(max(positive) / min(positive)) if positive else 1
    every = max(1, math.ceil(decades / _LABELS))
    labels = {"dtick": "D2", "minorloglabels": "complete", "tickformat": "~g"} if few else {"dtick": every}
    return {"type": "log", "exponentformat": "power"} | labels


def _mark(x: float, label: str, colour: str) -> Part:
    line = {"color": COLOURS[colour], "dash": "dot", "width": 1.5}
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "y domain"}
    return {"type": "line", "line": line, "name": label, "showlegend": True, **ends}

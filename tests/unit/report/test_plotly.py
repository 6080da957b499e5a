"""What plotly.js is given is what the figure holds: every point, mean and interval, once."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.drawing import as_svg
from repro.report.figure import Figure, Line, Panel
from repro.report.picture import figure_files, picture
from repro.report.plotly import as_plotly
from repro.report.style import COLOURS, DARK, RC

DOCS = Path(__file__).parents[3] / "docs"
SEEDS = {"0": [(1.0, 2.0), (10.0, 4.0)], "7": [(1.0, 8.0), (10.0, 6.0)]}
NUMBERS = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


def figure(*lines: Line, **panel: Any) -> Figure:
    return Figure("a", [[Panel("a title", "epoch", "loss, nats", lines, **panel)]], interactive=True)


def drawn(of: Figure) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(as_plotly(of))
    return content


def traces(of: Figure, **wanted: object) -> list[dict[str, Any]]:
    """Of the only panel those with these entries; `None` for an entry that is not there."""
    (panel,) = drawn(of)["panels"]
    return [trace for trace in panel["data"] if all(trace.get(key) == value for key, value in wanted.items())]


def layout(of: Figure) -> dict[str, Any]:
    (panel,) = drawn(of)["panels"]
    found: dict[str, Any] = panel["layout"]
    return found


@given(st.dictionaries(st.text("0123", min_size=1), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1), min_size=2))
def test_every_point_of_every_seed_is_there(seeds: dict[str, list[tuple[float, float]]]) -> None:
    line = Line("SB", "SB", seeds, averaged=False)
    for seed, points in seeds.items():
        (trace,) = traces(figure(line), meta=seed)
        assert list(zip(trace["x"], trace["y"], strict=True)) == points


@pytest.mark.parametrize("log", [False, True])
def test_means_and_intervals_are_those_of_the_line(log: bool) -> None:
    line = Line("SB", "SB", SEEDS)
    means = line.means(log=log)
    mean, band = (
        traces(figure(line, log_y=log), meta=None, showlegend=True)[0],
        traces(figure(line, log_y=log), fill="toself")[0],
    )
    assert list(zip(mean["x"], mean["y"], strict=True)) == [(each.x, each.mean) for each in means]
    (low, high), (lower, higher) = (each.interval for each in means)  # type: ignore[misc]
    assert band["x"] == [1.0, 10.0, 10.0, 1.0]
    assert band["y"] == [low, lower, higher, high]
    assert all(f"{low:.4g} to {high:.4g}" in mean["text"][0] for low, high in [means[0].interval or ()])


def test_a_mean_is_broken_where_some_seeds_have_no_points() -> None:
    points = [(float(x), 1.0) for x in range(1, 6)]
    shown = figure(Line("SB", "SB", {"0": points, "1": [*points[:2], *points[3:]]}))
    (mean,) = traces(shown, meta=None, showlegend=True)
    assert mean["x"] == [1.0, 2.0, None, 4.0, 5.0]
    assert [band["x"] for band in traces(shown, fill="toself")] == [[1.0, 2.0, 2.0, 1.0], [4.0, 5.0, 5.0, 4.0]]


def test_a_single_seed_is_no_choice_and_has_no_interval() -> None:
    alone = figure(Line("train", "train", {"authors": SEEDS["0"]}))
    assert drawn(alone)["seeds"] == []
    assert traces(alone, meta="authors") == []
    assert traces(alone, fill="toself") == []
    assert traces(alone, hovertemplate=None)[0]["showlegend"] is True


def test_what_is_declared_belongs_to_no_seed_and_has_no_markers() -> None:
    (trace,) = traces(figure(Line("decay", "decay", {"": SEEDS["0"]}, averaged=False)), x=[1.0, 10.0])
    assert trace["mode"] == "lines"
    assert "seed" not in trace["hovertemplate"]
    (run,) = traces(figure(Line("decay", "decay", {"0": SEEDS["0"]})), x=[1.0, 10.0])  # control
    assert (run["mode"], "seed 0" in run["hovertemplate"]) == ("lines+markers", True)


def test_seeds_are_chosen_among_all_that_any_line_has_and_each_line_is_named_once() -> None:
    both = figure(Line("SB", "SB", SEEDS), Line("LB", "LB", {"0": [(1.0, 1.0)], "9": [(1.0, 2.0)]}))
    assert drawn(both)["seeds"] == ["0", "7", "9"]
    assert [trace["name"] for trace in traces(both, showlegend=True)] == ["SB, n = 2", "LB, n = 2"]


def test_a_line_without_seeds_is_not_there() -> None:
    assert traces(figure(Line("SB", "SB", {}))) == []


def test_axes_are_those_of_the_panel() -> None:
    plain = layout(figure(Line("SB", "SB", SEEDS)))
    assert (plain["xaxis"]["type"], plain["yaxis"]["type"], plain["xaxis"]["autorange"]) == ("linear", "linear", True)
    panel = {"log_x": True, "log_y": True, "falling": True, "low_y": 0.01, "ticks": [1, 10]}
    scaled = layout(figure(Line("SB", "SB", SEEDS), **panel))
    assert (scaled["xaxis"]["type"], scaled["yaxis"]["type"]) == ("log", "log")
    assert scaled["xaxis"]["autorange"] == "reversed"
    low, high = scaled["yaxis"]["range"]
    assert low == -2
    assert high > max(math.log10(y) for points in SEEDS.values() for _, y in points)
    assert scaled["xaxis"]["tickvals"] == [1, 10]
    assert (scaled["xaxis"]["title"]["text"], scaled["yaxis"]["title"]["text"]) == ("epoch", "loss, nats")


@pytest.mark.parametrize(("decades", "every"), [(3, 1), (8, 1), (9, 2), (40, 5)])
def test_a_long_logarithmic_axis_has_at_most_eight_labels(decades: int, every: int) -> None:
    line = Line("SB", "SB", {"0": [(1.0, 1.0), (2.0, 10.0**-decades)]})
    assert layout(figure(line, log_y=True))["yaxis"]["dtick"] == every


def test_an_axis_that_is_linear_about_zero_is_stretched_and_labelled_with_what_stands_there() -> None:
    both_sides = {"0": [(-10.0, 1.0), (0.0, 2.0), (10.0, 1.0)]}
    stretched = figure(Line("SB", "SB", both_sides, averaged=False), linear_x=0.1, ticks=[-10, 0, 10])
    (trace,) = traces(stretched, showlegend=False)
    assert trace["x"] == [-math.asinh(100), 0, math.asinh(100)]
    assert trace["text"] == ["-10", "0", "10"]
    axis = layout(stretched)["xaxis"]
    assert (axis["tickvals"], axis["ticktext"]) == (trace["x"], ["-10", "0", "10"])


def test_a_mark_stands_at_its_x_from_bottom_to_top() -> None:
    (mark,) = layout(figure(Line("SB", "SB", SEEDS), marks=[(3.0, "threshold", "train")]))["shapes"]
    assert (mark["x0"], mark["x1"], mark["y0"], mark["y1"], mark["name"]) == (3.0, 3.0, 0, 1, "threshold")


def test_the_same_figure_gives_the_same_bytes_and_another_does_not() -> None:
    one = figure(Line("SB", "SB", SEEDS))
    assert as_plotly(one) == as_plotly(figure(Line("SB", "SB", dict(SEEDS))))
    assert as_plotly(one) != as_plotly(figure(Line("SB", "LB", SEEDS)))


def test_colours_are_exchanged_one_by_one() -> None:
    """No colour of a dark page is one that is exchanged in its turn."""
    assert not set(DARK.values()) & set(DARK)


@pytest.mark.parametrize("page", ["light", "dark"])
def test_lines_and_letters_stand_out_from_the_page(page: str) -> None:
    """WCAG 2.2: 4.5 for letters, 3 for lines; the palette's orange and sky blue, which light pages have, at least 2."""
    now = (lambda colour: DARK.get(colour, colour)) if page == "dark" else str
    paper = now(RC["figure.facecolor"])
    assert contrast(now(RC["text.color"]), paper) >= 4.5
    pale = {COLOURS["+LR"], COLOURS["+GBN"]} if page == "light" else set()
    for colour in COLOURS.values():
        assert contrast(now(colour), paper) >= (2 if colour in pale else 2.9), colour


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_drawing_has_every_colour_of_a_dark_page() -> None:
    svg = as_svg(figure(Line("SB", "SB", SEEDS))).decode()
    for light, dark in DARK.items():
        assert f'[style*="stroke: {light.lower()}"]{{stroke: {dark} !important}}' in svg
    assert f"fill: {RC['figure.facecolor'].lower()}" in svg


def test_only_an_interactive_figure_has_plots_and_says_so_on_the_page() -> None:
    lines = [Line("SB", "SB", SEEDS)]
    still = Figure("b", [[Panel("t", "x", "y", lines)]])
    assert set(figure_files(figure(*lines))) == {"a.svg", "a.csv", "a.json"}
    assert set(figure_files(still)) == {"b.svg", "b.csv"}
    assert "](folder/a.svg){ .drawing .interactive " in picture(figure(*lines), "Fig. 1", "folder")
    assert ".interactive" not in picture(still, "Fig. 1", "folder")


def test_the_description_says_axes_n_and_course() -> None:
    said = "a title: loss, nats against epoch. SB, n = 2: 5 at 1 to 5 at 10."
    assert figure(Line("SB", "SB", SEEDS)).description == said
    assert picture(figure(Line("SB", "SB", SEEDS)), "Fig. 1", "folder", "As said.").startswith(
        f'<div class="drawn" markdown="1">\n\n![Fig. 1. {said}]('
    )
    assert figure(Line("SB", "SB", {})).description.endswith("No values.")


def test_the_script_that_is_shipped_is_the_one_that_was_published() -> None:
    said = (DOCS / "vendor" / "plotly-basic.toml").read_text()
    found = hashlib.sha256((DOCS / "vendor" / "plotly-basic.min.js").read_bytes()).hexdigest()
    assert f'sha256 = "{found}"' in said
    assert "Permission is hereby granted" in (DOCS / "vendor" / "plotly-basic.LICENSE").read_text()

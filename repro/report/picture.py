"""A figure on a page: the files that hold it, and the Markdown that shows it."""

from __future__ import annotations

from collections.abc import Mapping

from repro.report.drawing import as_svg
from repro.report.figure import Figure, as_csv
from repro.report.markdown import blocks, boxed
from repro.report.plotly import as_plotly


def figure_files(figure: Figure) -> Mapping[str, bytes]:
    """As it is drawn, as numbers, and where it is interactive as what docs/figures.js draws; by file name."""
    files = {f"{figure.name}.svg": as_svg(figure), f"{figure.name}.csv": as_csv(figure)}
    return files | ({f"{figure.name}.json": as_plotly(figure)} if figure.interactive else {})


def picture(figure: Figure, title: str, folder: str, caption: str = "") -> str:
    """The drawing, which docs/figures.js replaces where the figure is interactive, and what stands under it.

    Args:
        figure: what is shown.
        title: what it is called, to begin its description.
        folder: the place of its files, seen from the page.
        caption: what is said under it, before the link to its data.
    """
    path = f"{folder}/{figure.name}"
    classes = ".drawing .interactive" if figure.interactive else ".drawing"
    drawn = f"![{title}. {figure.description}]({path}.svg){{ {classes} loading=lazy }}"
    shown = boxed("drawn", drawn, scrolls=not figure.interactive)
    means = " On a logarithmic axis means are geometric." if figure.geometric else ""
    return blocks([shown, f"{caption}{means} [The data]({path}.csv)."])

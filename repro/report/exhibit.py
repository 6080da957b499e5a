"""Exhibits: a table or figure of a paper as this reproduction has it, with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.claims.evidence import Observation
from repro.report.figure import Figure
from repro.report.markdown import blocks
from repro.report.origin import origin
from repro.report.results import Results


@dataclass(frozen=True)
class Exhibit:
    """One table or figure.

    Attributes:
        title: the paper's name for it and what it shows, `Table 3: sharpness in the full space`.
        used: the evidence it rests on; without any it was not run.
        text: what stands in it, as Markdown.
        figures: what is drawn, each with the sentence under it.
    """

    title: str
    used: Sequence[Observation]
    text: str = ""
    figures: Sequence[tuple[Figure, str]] = ()

    def as_markdown(self, results: Results) -> str:
        """The section of the page; figures are linked as `<paper>/<name>.svg`."""
        head = f"### {self.title} {{ #{_anchor(results.profile, self.title)} }}"
        if not self.used:
            return blocks([head, f"**not run** in the profile `{results.profile}`."])
        drawn = [
            f"![{self.title}, {figure.name}]({path}.svg)\n\n{caption} [The data]({path}.csv)."
            for figure, caption in self.figures
            for path in (f"{results.paper.key}/{figure.name}",)
        ]
        return blocks([head, self.text, *drawn, origin(results, self.used)])


def _anchor(profile: str, title: str) -> str:
    name = title.partition(":")[0].lower().replace(".", "").replace(" ", "-")
    return f"{profile}-{name}"

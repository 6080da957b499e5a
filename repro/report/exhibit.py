"""Exhibits: a table or figure of a paper as this reproduction has it, with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.claims.evidence import Observation
from repro.report.figure import Figure
from repro.report.markdown import blocks, boxed
from repro.report.origin import as_csv, origin
from repro.report.picture import figure_files, picture
from repro.report.results import Results


@dataclass(frozen=True)
class Exhibit:
    """One table or figure.

    Attributes:
        title: the paper's name for it and what it shows, `Table 3: sharpness in the full space`.
        used: the evidence it rests on; without any it was not run.
        text: what stands in it, as Markdown.
        figures: what is drawn, each with the sentence under it.
        source: whose evidence it is, where that is another paper's.
    """

    title: str
    used: Sequence[Observation]
    text: str = ""
    figures: Sequence[tuple[Figure, str]] = ()
    source: Results | None = None

    @property
    def anchor(self) -> str:
        """`table-3`."""
        return self.title.partition(":")[0].lower().replace(".", "").replace(" ", "-")

    def as_markdown(self, results: Results) -> str:
        """What one profile has of it; files are linked as `<paper>/<name>`. There must be evidence."""
        shown = [picture(figure, self.title, results.paper.key, caption) for figure, caption in self.figures]
        numbers = f"[The numbers behind it]({results.paper.key}/{self._name(results)}.csv)." if self.text else ""
        head = f"#### Profile `{results.profile}` {{ #{self._name(results)} }}"
        return blocks([head, boxed("numbers", self.text), *shown, numbers, origin(self.source or results, self.used)])

    def files(self, results: Results) -> Mapping[str, bytes]:
        """The figures and their data, and the evidence of a table, by name within the paper's folder."""
        drawn = {name: content for figure, _ in self.figures for name, content in figure_files(figure).items()}
        return drawn | ({f"{self._name(results)}.csv": as_csv(self.used)} if self.text else {})

    def _name(self, results: Results) -> str:
        return f"{results.profile}-{self.anchor}"

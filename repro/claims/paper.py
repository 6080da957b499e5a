"""Papers: the citation, and the numbers that are held against ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from repro.claims.declared import Declared, load
from repro.errors import DataError

Mark = Literal["verified", "derived", "recalled"]


@dataclass(frozen=True)
class Cited:
    """Numbers of the paper with their source and mark; no numbers where the paper gives none."""

    source: str
    mark: Mark
    numbers: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        name: as the paper calls it, for example `Table 3`.
        caption: what it holds.
        unit: of its numbers.
        mark: `verified` (read in a copy of the paper), `derived` (computed from what was read) or `recalled`
            (from memory; never to be relied on).
        columns: names of its columns.
        rows: for each network one cell a column: mean and standard deviation, or the mean alone, or nothing.
    """

    name: str
    caption: str
    unit: str
    mark: Mark
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[tuple[float, ...], ...]]

    def cell(self, network: str, column: str) -> tuple[float, ...]:
        """The numbers of one cell; empty where the paper has none for this network.

        Raises:
            DataError: the table has no such column.
        """
        if column not in self.columns:
            raise DataError(f"{self.name} has no column {column!r}; it has {', '.join(self.columns)}.")
        return self.rows[network][self.columns.index(column)] if network in self.rows else ()


@dataclass(frozen=True)
class Paper:
    """What is known of a paper.

    Attributes:
        key: its name on the command line and of its folder.
        title, authors, venue, year: the citation.
        arxiv, url: where it stands; one of the two, the other is empty.
        networks: for each network its data set and architecture, in the paper's words.
        tables: the numbers it reports.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    arxiv: str
    url: str
    networks: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, Table]

    def cite(self, reference: str, network: str) -> Cited:
        """The numbers for `network` that `reference` names, as in `Table 2/test LB`.

        Raises:
            DataError: there is no such table or column.
        """
        name, _, column = reference.partition("/")
        if name not in self.tables:
            raise DataError(f"{reference!r}: paper.toml has no table {name!r}; it has {', '.join(self.tables)}.")
        table = self.tables[name]
        return Cited(name, table.mark, table.cell(network, column))

    def cited(self, references: Sequence[str]) -> list[str]:
        """The networks for which every one of `references` has numbers; none for no reference.

        Raises:
            DataError: there is no such table or column.
        """
        rows = dict.fromkeys(row for table in self.tables.values() for row in table.rows)
        return [row for row in rows if references and all(self.cite(each, row).numbers for each in references)]


def load_paper(folder: Path) -> Paper:
    """The paper declared in `folder/paper.toml`.

    Raises:
        StorageError: there is no such file.
        DataError: it breaks a rule.
    """
    declared = load(folder / "paper.toml")
    networks, tables = declared.table("networks"), declared.table("tables")
    year = declared.number("year")
    declared.require(year.is_integer(), "year", year, "be a whole number")
    paper = Paper(
        key=declared.text("key"),
        title=declared.text("title"),
        authors=declared.texts("authors"),
        venue=declared.text("venue"),
        year=int(year),
        arxiv=declared.text("arxiv", ""),
        url=declared.text("url", ""),
        networks={name: _network(networks.table(name)) for name in networks.unread()},
        tables={name: _table(name, tables.table(name)) for name in tables.unread()},
    )
    declared.require(bool(paper.arxiv) != bool(paper.url), "arxiv", paper.arxiv, "stand there, or else a url")
    declared.require(paper.key == folder.name, "key", paper.key, f"be the folder's name, {folder.name!r}")
    declared.finish()
    return paper


def _network(declared: Declared) -> dict[str, str]:
    facts = {"data": declared.text("data"), "architecture": declared.text("architecture")}
    declared.finish()
    return facts


def _table(name: str, declared: Declared) -> Table:
    rows = declared.table("rows")
    mark: Mark = declared.choice("mark", get_args(Mark))
    caption, unit, columns = declared.text("caption"), declared.text("unit"), declared.texts("columns")
    declared.finish()
    return Table(name, caption, unit, mark, columns, {row: _cells(rows, row, len(columns)) for row in rows.unread()})


def _cells(rows: Declared, network: str, width: int) -> tuple[tuple[float, ...], ...]:
    cells = rows.rows_of_numbers(network)
    rows.require(len(cells) == width, network, cells, f"have {width} cells, one a column")
    return cells

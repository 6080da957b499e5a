"""The page of the command line is its own help, whatever the terminal's width."""

from __future__ import annotations

import argparse

import pytest

from repro.report.command_line import command_line_page


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("tool", description="What it is for.")
    data = made.add_subparsers().add_parser("data", help="what data does")
    get = data.add_subparsers().add_parser("get", description="Get one.")
    get.add_argument("--workers", type=int, default=2, help="processes at once (default: %(default)s)")
    return made


def test_every_command_and_its_commands_have_their_help_under_a_heading() -> None:
    page = command_line_page(parser())
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## tool",
        "## tool data",
        "## tool data get",
    ]
    assert "--workers WORKERS" in page
    assert "processes at once (default: 2)" in page


def test_the_page_does_not_depend_on_the_terminal_and_leaves_the_parser_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = parser()
    pages = set()
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        pages.add(command_line_page(made))
    assert len(pages) == 1
    assert made.formatter_class is argparse.HelpFormatter

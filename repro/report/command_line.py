"""The command line, from its own help."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

from repro.report.markdown import blocks

_WIDTH = 100


def command_line_page(parser: argparse.ArgumentParser) -> str:
    """Every command's help under a heading of its own; the width of the terminal does not matter."""
    return blocks(f"## {each.prog}\n\n```text\n{_help(each)}```" for each in _commands(parser))


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser, then those of its commands, and of theirs."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _commands(command)


def _help(parser: argparse.ArgumentParser) -> str:
    formatter = parser.formatter_class
    parser.formatter_class = partial(argparse.HelpFormatter, width=_WIDTH)
    try:
        return parser.format_help()
    finally:
        parser.formatter_class = formatter

"""Markdown, as far as the pages need it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of one line a row; bars inside a cell are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def blocks(parts: Iterable[str]) -> str:
    """The parts that are not empty, with a blank line between two, and a newline at the end."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def listing(words: Iterable[object]) -> str:
    """`a, b and c`."""
    *most, last = map(str, words)
    return f"{', '.join(most)} and {last}" if most else last


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"


def styled(text: str, *names: str) -> str:
    """Emphasised text that the style sheet knows by these names."""
    return f"{text}{{ {' '.join('.' + name.replace(' ', '-') for name in names)} }}"


def folded(summary: str, text: str) -> str:
    """The text behind a line that opens it; it needs no script."""
    return blocks([f'<details markdown="1">\n<summary>{summary}</summary>', text, "</details>"])


def boxed(name: str, text: str, *, scrolls: bool = False) -> str:
    """The text, if any, in a box of its own, which the style sheet knows by its name and the keyboard may scroll."""
    stop = ' tabindex="0"' if scrolls else ""
    return blocks([f'<div class="{name}"{stop} markdown="1">', text, "</div>"]) if text else ""

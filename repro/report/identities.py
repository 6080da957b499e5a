"""The page of the theory: every identity with its formula, source, tests and status."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import groupby

from latex2mathml.converter import convert

from repro.report.markdown import blocks, boxed, code, folded, styled
from repro.studies.theory import Checked

_NAMES = {"ghost_batchnorm": "Ghost BatchNorm", "mccandlish": "McCandlish's estimators"}
_SIGNS = {"holds": "✓", "fails": "✗", "not run": "–"}


def identities_page(rows: Sequence[Checked]) -> str:
    """The page as Markdown, its formulas as MathML, which browsers draw without a script.

    Args:
        rows: of every identity, families together.
    """
    families = [(name, list(members)) for name, members in groupby(rows, key=_family)]
    contents = ", ".join(f"[{_name(family)}](#{family})" for family, _ in families)
    return blocks([_counted(rows), f"Families: {contents}.", *(_section(*each) for each in families)])


def _counted(rows: Sequence[Checked]) -> str:
    status = {word: sum(row.status == word for row in rows) for word in _SIGNS}
    stale = sum(row.stale for row in rows)
    said = f"{len(rows)} identities: {status['holds']} hold, {status['fails']} fail, {status['not run']} not run."
    late = f" Of {stale} the tests, or the code they reach, have changed since: `make theory` checks them again."
    return said + (late if stale else "")


def _section(family: str, rows: Sequence[Checked]) -> str:
    said = (importlib.import_module(f"repro.theory.{family}").__doc__ or "").partition("\n")[0]
    return blocks([f"## {_name(family)} {{ #{family} }}", said, *map(_identity, rows)])


def _identity(row: Checked) -> str:
    facts = {"Holds if": row.premises, "Source": row.source}
    said = "  \n".join(f"*{name}:* {fact}" for name, fact in facts.items())
    control = _tests(row.control) or row.without_control
    tests = f"- *test* {_tests(row.test) or 'none recorded'}\n- *negative control* {control or 'none recorded'}"
    head = f"### {row.title} {{ #{row.id.replace('.', '-')} }}"
    text = [head, status(row), formula(row.statement), said, folded("Test and negative control", tests)]
    return boxed("identity", blocks(text))


def status(row: Checked) -> str:
    """`✓ holds`, and whether that is stale."""
    told = styled(f"**{_SIGNS[row.status]} {row.status}**", "verdict", row.status)
    return f"{told} {styled('*stale: the code it reaches has changed since*', 'stale')}" if row.stale else told


def formula(statement: str) -> str:
    """LaTeX as a block of MathML."""
    return f'<div class="formula" tabindex="0">{convert(statement, display="block")}</div>'


def _tests(names: str) -> str:
    return ", ".join(map(code, names.splitlines()))


def _family(row: Checked) -> str:
    return row.id.partition(".")[0]


def _name(family: str) -> str:
    return _NAMES.get(family, family.replace("_", " ").capitalize())

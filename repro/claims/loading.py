"""Reading claims.toml: every rule a declaration must keep, checked before any run is judged."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

from repro.claims.claim import Claim, Comparison, Pairing, Scale
from repro.claims.declared import Declared, load
from repro.claims.paper import Cited, Mark, Paper, load_paper
from repro.claims.verdict import Interval, Kind


def load_claims(folder: Path) -> tuple[Claim, ...]:
    """The claims declared in `folder/claims.toml`, with the numbers they cite from `folder/paper.toml`.

    Raises:
        StorageError: a file is missing.
        DataError: a declaration breaks a rule; the message names the claim, the key, its value and the rule.
    """
    paper, declared = load_paper(folder), load(folder / "claims.toml")
    claims = tuple(_claim(content, paper, declared.place) for content in declared.tables("claims"))
    declared.finish()
    ids = [claim.id for claim in claims]
    declared.require(len(set(ids)) == len(ids) > 0, "claims", ids, "be different ids, at least one")
    needing = {_reference(claim, row) for claim in claims for row in claim.comparisons if row.needs_gap}
    for claim in claims:
        others = [_reference(other, row) for other in claims if other is not claim for row in other.comparisons]
        for row in claim.comparisons:
            known = row.needs_gap in ("", *others)
            key = f"needs_gap of {_reference(claim, row)}"
            declared.require(known, key, row.needs_gap, f"be one of {', '.join(others)}")
            chained = row.needs_gap in needing
            declared.require(not chained, key, row.needs_gap, "be a row that needs no gap itself")
    return claims


def _reference(claim: Claim, row: Comparison) -> str:
    return f"{claim.id}/{row.variant}" if row.variant else claim.id


_ROW_KEYS = (
    *("title", "quantity", "measured", "kind", "arms", "pairing", "scale", "direction"),
    *("margin", "margins", "range", "margin_from", "unit", "needs_gap", "reported"),
)
_NOT_INHERITED = {
    "": {"reported", "measured"},
    "margin": {"margins", "margin_from"},
    "kind": {"direction", "margin", "margins", "range", "margin_from", "needs_gap"},
    "quantity": {"title"},
}


def _claim(content: dict[str, Any], paper: Paper, file: str) -> Claim:
    base = {key: content.pop(key) for key in _ROW_KEYS if key in content}
    declared = Declared(content, f"{file}, {content.get('id', 'a claim without id')}")
    ident, where = declared.text("id"), declared.text("where")
    networks, extensions = declared.texts("networks"), declared.texts("extensions", ())
    variants = declared.tables("variants")
    declared.finish()
    _check_networks(declared, networks, extensions, paper)
    row = partial(_comparison, paper=paper, place=declared.place, networks=(*networks, *extensions))
    rows = (row("", base), *(row(_name(v, declared.place), _inherit(base, v)) for v in variants))
    names = [each.variant for each in rows[1:]]
    declared.require(len(set(names)) == len(names), "variants", names, "have different names")
    return Claim(paper.key, ident, where, networks, extensions, rows)


def _check_networks(declared: Declared, networks: tuple[str, ...], extensions: tuple[str, ...], paper: Paper) -> None:
    every = (*networks, *extensions)
    declared.require(len(every) > 0, "networks", networks, "name at least one network, or else an extension")
    declared.require(len(set(every)) == len(every), "extensions", extensions, "name networks that are not the paper's")
    unknown = [name for name in every if name not in paper.networks]
    declared.require(not unknown, "networks", unknown, f"be among {', '.join(paper.networks)} of paper.toml")


def _name(variant: dict[str, Any], place: str) -> str:
    return Declared({"name": variant.pop("name", None)}, f"{place}, a variant").text("name")


def _inherit(base: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
    dropped = {key for cause, keys in _NOT_INHERITED.items() if not cause or cause in variant for key in keys}
    return {key: value for key, value in base.items() if key not in dropped} | variant


def _comparison(
    name: str, content: dict[str, Any], *, paper: Paper, place: str, networks: tuple[str, ...]
) -> Comparison:
    declared = Declared(content, f"{place}, variant {name}" if name else place)
    kind, scale = declared.choice("kind", get_args(Kind)), declared.choice("scale", get_args(Scale))
    arms, pairing = _arms(declared)
    comparison = Comparison(
        variant=name,
        title=declared.text("title"),
        quantity=declared.text("quantity"),
        measured=declared.text("measured"),
        kind=kind,
        arms=arms,
        pairing=pairing,
        scale=scale,
        direction=_direction(declared) if kind == "directional" else 0,
        margins={} if kind == "range" else _margins(declared, networks),
        span=_span(declared, scale) if kind == "range" else None,
        margin_from=declared.text("margin_from"),
        unit=declared.text("unit"),
        needs_gap=declared.text("needs_gap", ""),
        reported={},
    )
    cited = declared.texts("reported", ())
    declared.finish()
    expected = len(_cited_names(comparison))
    declared.require(len(cited) in (0, expected), "reported", cited, f"cite {expected} columns, or none")
    return replace(comparison, reported=_reported(comparison, cited, paper, networks))


def _reported(
    comparison: Comparison, references: tuple[str, ...], paper: Paper, networks: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """The paper's numbers for each network; those of its only network, named, where it has them for one other alone."""
    known = paper.cited(references)
    found = {}
    for network in networks:
        source = network if network in known or len(known) != 1 else known[0]
        if source in known:
            cells = [paper.cite(each, source) for each in references]
            found[network] = _numbers(comparison, cells) | ({} if source == network else {"network": source})
    return found


def _numbers(comparison: Comparison, cells: list[Cited]) -> dict[str, Any]:
    values = [round(comparison.transform(cell.numbers[0]), 4) for cell in cells]
    names = _cited_names(comparison)
    return {
        "source": ", ".join(dict.fromkeys(cell.source for cell in cells)),
        "mark": max((cell.mark for cell in cells), key=get_args(Mark).index),
        **{name: list(cell.numbers) for name, cell in zip(names, cells, strict=True)},
        "effect": values if comparison.span else round(values[0] - sum(values[1:]), 4),
    }


def _cited_names(comparison: Comparison) -> tuple[str, ...]:
    return comparison.arms or (("value",) if comparison.span is None else ("lower", "upper"))


def _arms(declared: Declared) -> tuple[tuple[str, ...], Pairing]:
    arms = declared.texts("arms")
    pairing: Pairing = declared.choice("pairing", get_args(Pairing))
    expected = 0 if pairing == "one-sample" else 2
    declared.require(len(arms) == expected, "arms", list(arms), f"have {expected} names when pairing is {pairing}")
    return arms, pairing


def _direction(declared: Declared) -> int:
    direction = declared.number("direction")
    declared.require(direction in (-1, 1), "direction", direction, "be 1 or -1")
    return int(direction)


def _margins(declared: Declared, networks: tuple[str, ...]) -> dict[str, float]:
    common, own = declared.number("margin"), declared.table("margins", {})
    margins = {network: own.number(network) if network in own else common for network in networks}
    own.finish()
    for network, margin in margins.items():
        declared.require(margin > 0, f"margin of {network}", margin, "be positive")
    return margins


def _span(declared: Declared, scale: Scale) -> Interval:
    values = declared.numbers("range")
    increasing = len(values) == 2 and values[0] < values[1]
    declared.require(increasing, "range", values, "be two numbers, the lower first")
    declared.require(scale == "linear" or values[0] > 0, "range", values, "be positive on a log10 scale")
    return values[0], values[1]

"""K16: how much of the sharpness a few coordinates hold, chosen and drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.markdown import blocks, table
from repro.report.origin import IN_BRACKETS, where
from repro.report.results import Results
from repro.report.summary import by_seed, spread, summary

_ARMS = ("top", "random")
_HEAD = ("network, data set", "5 % chosen, %", "5 % at random, %", "chosen / random", "n, failed, diverged")
_NOTE = (
    "φ at the LB minimum while only these coordinates may move, in percent of φ in the full space; mean ± SD over "
    f"seeds. Chosen: where slope times half-width is largest at the maximum that was found. {IN_BRACKETS}"
)


def directions(results: Results) -> Exhibit:
    """Both shares, and how many times as large the one is."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        top, random = found = [results.select(place, "K16", "sharpness-share", arm) for arm in _ARMS]
        used += [each for arm in found for each in arm]
        if any(found):
            own, others = (by_seed(arm, 100) for arm in found)
            ratios = [own[seed] / others[seed] for seed in own if others.get(seed)]
            cells = (spread(own.values()), spread(others.values()), spread(ratios), summary([*top, *random]).counts)
            rows.append((where(results, place), *cells))
    text = blocks([_NOTE, table(_HEAD, rows)]) if rows else ""
    return Exhibit("Directions: what 5 % of the coordinates hold", used, text)

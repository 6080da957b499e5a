"""Claims: what a paper says, written down before the runs, so that a verdict is a function of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from repro.claims.verdict import Interval, Kind

Pairing = Literal["paired", "welch", "one-sample"]
Scale = Literal["linear", "log10"]


@dataclass(frozen=True)
class Comparison:
    """One row of a claim: which numbers are compared, how, and what would count.

    Attributes:
        variant: empty for the primary row, else what differs from it.
        title: the sentence that is judged.
        quantity: name of the measured values, as in `Observation.quantity`.
        measured: how one value is obtained, in words and units.
        kind: `directional` (the effect has a sign), `equivalence` (it is within a margin of zero) or `range`.
        arms: treatment and control; empty for a statistic that compares by itself.
        pairing: `paired` by seed, `welch`, or `one-sample` where there are no arms.
        scale: `linear`, or `log10`: then the effect is a difference of decimal logarithms.
        direction: sign of treatment - control that a directional claim predicts, else 0.
        margins: for each network the smallest effect worth speaking of, in the effect's unit, positive.
        span: the claimed lower and upper value of a range claim, in the quantity's unit, else `None`.
        margin_from: why the margin, or the range, is what it is.
        unit: of the effect.
        needs_gap: the row, as `S8` or `S8/adam`, whose gap must be reproduced, and not shown to be smaller than its
            margin, before this row can say that it is closed; empty if none.
        reported: for each network the paper's numbers, `network` among them where they are another's; networks without
            any are absent.
    """

    variant: str
    title: str
    quantity: str
    measured: str
    kind: Kind
    arms: tuple[str, ...]
    pairing: Pairing
    scale: Scale
    direction: int
    margins: Mapping[str, float]
    span: Interval | None
    margin_from: str
    unit: str
    needs_gap: str
    reported: Mapping[str, Mapping[str, Any]]

    @property
    def effect(self) -> str:
        """Which way round it is, `LB - SB` or `LB / SB`; what is measured where nothing is compared."""
        joined = " / " if self.scale == "log10" else " - "
        return joined.join(self.arms) or f"what is measured: {self.measured}"

    def transform(self, value: float) -> float:
        """A measured value on the scale of the effect; NaN where a logarithm does not exist."""
        if self.scale == "linear":
            return value
        return math.log10(value) if value > 0 else math.nan

    def on_scale(self, value: float) -> bool:
        """Whether a value has a place on the scale of the effect: a number that is not positive has no logarithm."""
        return math.isfinite(self.transform(value))

    def region(self, network: str) -> Interval:
        """The margin around zero, or the range claimed, on the scale of the effect."""
        if self.span is not None:
            return self.transform(self.span[0]), self.transform(self.span[1])
        return -self.margins[network], self.margins[network]

    def margin(self, network: str) -> float:
        """Half the width of `region`."""
        low, high = self.region(network)
        return (high - low) / 2


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper and the rows it is judged by.

    Attributes:
        paper: key of the paper.
        id: for example `K3`.
        where: the place in the paper.
        networks: those the paper shows it for.
        extensions: further networks it may be judged on, marked as such.
        comparisons: the primary row, then the variants.
    """

    paper: str
    id: str
    where: str
    networks: tuple[str, ...]
    extensions: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def primary(self) -> Comparison:
        """The row that counts."""
        return self.comparisons[0]

    def comparison(self, variant: str) -> Comparison | None:
        """The row of this name, or `None`."""
        return next((each for each in self.comparisons if each.variant == variant), None)

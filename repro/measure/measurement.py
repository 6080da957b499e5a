"""A measured number together with what is needed to distrust it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite


class Status(Enum):
    """How a measurement ended; the value is the message a table prints."""

    EXACT = "computed, not searched for"
    ESTIMATED = "a mean over random probes, off by about its standard error"
    CONVERGED = "stopped because it no longer improved"
    BUDGET = "stopped by its budget while it still improved"
    FAILED = "the search failed; no value is meant"
    DIVERGED = "the loss is not finite"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Measurement:
    """A value, how it ended, what it cost and how far it may be off.

    Attributes:
        value: the number measured; NaN where there is none.
        status: how it ended.
        cost: full-data gradients spent, or their equivalent (a loss is 1/3, a Hessian-vector product 3).
        residual: error bound in the unit of `value`, if there is one.
    """

    value: float
    status: Status
    cost: float
    residual: float | None = None

    @property
    def usable(self) -> bool:
        """Whether `value` may enter a mean: it is finite, and nothing failed or diverged."""
        return isfinite(self.value) and self.status not in (Status.FAILED, Status.DIVERGED, Status.NOT_RUN)

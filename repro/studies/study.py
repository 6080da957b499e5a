"""A study as data: every value to be observed, what must be run for it, and how it is read off.

Nothing here trains or measures. A study lists samples; `repro.studies.reproduce` runs what they need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from repro.runs.measurements import MeasurementRequest
from repro.runs.noise import NoiseProbe
from repro.runs.store import RunFolder
from repro.runs.worker import RunRequest

Row = dict[str, Any]
Need = RunRequest | MeasurementRequest


class Reading(NamedTuple):
    """One number, and what is needed to distrust it.

    Attributes:
        value: in the unit of its quantity; NaN where there is none.
        x: position on a curve; `None` leaves it to the sample.
        residual: its error bar, in the same unit; what it is, see `repro.claims.evidence.Observation`.
        cost: full-data gradients it took.
        failure: why there is no number; empty where there is one.
    """

    value: float
    x: float | None = None
    residual: float | None = None
    cost: float | None = None
    failure: str = ""


@dataclass(frozen=True)
class RunRecord:
    """A finished run as a study reads it."""

    folder: RunFolder

    @cached_property
    def epochs(self) -> list[Row]:
        """One row an epoch: losses in nats, accuracies as fractions."""
        return self.folder.rows("epoch")

    @cached_property
    def distances(self) -> list[Row]:
        """Rows of `update`, `distance` of the weights from where they began, and `last_norm` of the last layer.

        `modules` has the distance of each layer by its name, in the order of the network.
        """
        return self.folder.rows("distance")

    def noise(self, probe: NoiseProbe) -> list[Row]:
        """What a probe saw: rows of `update` and the squared lengths `small` and `large`."""
        return probe.rows(self.folder.rows("noise"))


@dataclass(frozen=True)
class Sample:
    """One value of the evidence, or one curve: an arm of a claim under a seed.

    Attributes:
        claim: the claim it belongs to, for example `K3`.
        arm: which side of the comparison, for example `SB`.
        seed: pairs it with the other arm.
        quantity: what the number is.
        needs: runs and measurements, in the order in which `read` takes their records and answers.
        read: gives the number, or a curve of them.
        variant: empty for the primary row.
        x: position on a curve of which this sample is one point; `None` for a single number or a whole curve.
        tries: whether its runs are tries of which `read` takes the best: one that diverged or failed is given to it as
            a failed reading. Otherwise the sample has no value then.
    """

    claim: str
    arm: str
    seed: int
    quantity: str
    needs: tuple[Need, ...]
    read: Callable[..., Reading | Sequence[Reading]]
    variant: str = ""
    x: float | None = None
    tries: bool = False

    @property
    def keys(self) -> list[str]:
        """Keys of the runs it rests on, once each, in the order of its needs."""
        return list(dict.fromkeys(run.spec.key for need in self.needs for run in need.runs))


def samples_of(claims: Mapping[str, Callable[[Any], Iterable[Sample]]]) -> Callable[[Any], list[Sample]]:
    """`samples(setting)` of a study: every value that the setting's claims ask for, in the order of the claims.

    Args:
        claims: what each claim asks for in a setting.
    """
    return lambda setting: [sample for claim in setting.claims for sample in claims[claim](setting)]

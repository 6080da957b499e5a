"""Smith, Kindermans, Ying and Le 2018, Don't decay the learning rate, increase the batch size (1711.00489)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from repro.studies.smith2018 import schedules
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Sample

__all__ = ["Setting", "samples"]

_CLAIMS: dict[str, Callable[[Setting], Iterator[Sample]]] = {
    "S1": schedules.same_curve,
    "S2": schedules.fewer_updates,
    "S3": schedules.same_accuracy,
    "S4": schedules.increased_rate,
    "S5": schedules.increased_momentum,
    "S7": schedules.past_a_tenth,
    "S8": schedules.control,
}


def samples(setting: Setting) -> list[Sample]:
    """Every value that the setting's claims ask for, in the order of the claims."""
    return [sample for claim in setting.claims for sample in _CLAIMS[claim](setting)]

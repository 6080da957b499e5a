"""Smith, Kindermans, Ying and Le 2018, Don't decay the learning rate, increase the batch size (1711.00489)."""

from __future__ import annotations

from repro.studies.smith2018 import cost, schedules
from repro.studies.smith2018.setting import Setting
from repro.studies.study import samples_of

__all__ = ["Setting", "samples"]

samples = samples_of(
    {
        "S1": schedules.same_curve,
        "S2": schedules.fewer_updates,
        "S3": schedules.same_accuracy,
        "S4": schedules.increased_rate,
        "S5": schedules.increased_momentum,
        "S7": schedules.past_a_tenth,
        "S8": schedules.control,
        "S9": cost.seconds_saved,
    }
)
"""Every value that a setting's claims ask for."""

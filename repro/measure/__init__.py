"""Measurements of a minimum, each a function of a model or an objective; none of them knows a paper."""

from __future__ import annotations

from repro.measure.batchnorm import Statistics, population_statistics, recompute_statistics
from repro.measure.borrow import borrowed
from repro.measure.flat import flatten, load_vector_, to_vector, unflatten
from repro.measure.measurement import Measurement, Status
from repro.measure.objective import Evaluation, NetworkObjective, Objective, cross_entropy
from repro.measure.quadratic import Quadratic

__all__ = [
    "Evaluation",
    "Measurement",
    "NetworkObjective",
    "Objective",
    "Quadratic",
    "Statistics",
    "Status",
    "borrowed",
    "cross_entropy",
    "flatten",
    "load_vector_",
    "population_statistics",
    "recompute_statistics",
    "to_vector",
    "unflatten",
]

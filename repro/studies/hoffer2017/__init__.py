"""Hoffer, Hubara and Soudry 2017, Train longer, generalize better (1705.08741)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from repro.studies.hoffer2017 import diffusion, table
from repro.studies.hoffer2017.setting import Setting
from repro.studies.study import Sample

__all__ = ["Setting", "samples"]

_CLAIMS: dict[str, Callable[[Setting], Iterator[Sample]]] = {
    "H1": table.gap_grows,
    "H2": diffusion.logarithmic_diffusion,
    "H3": table.learning_rate,
    "H4": table.ghost_batchnorm,
    "H5": table.regime_adaptation,
    "H6": diffusion.collapse,
    "H7": diffusion.error_against_updates,
    "H8": diffusion.random_potential,
    "H9": table.noise,
    "H10": diffusion.longer,
    "H11": table.momentum_reset,
    "H12": table.counter_claim,
    "H13": table.flatness,
}


def samples(setting: Setting) -> list[Sample]:
    """Every value that the setting's claims ask for, in the order of the claims."""
    return [sample for claim in setting.claims for sample in _CLAIMS[claim](setting)]

"""Hoffer, Hubara and Soudry 2017, Train longer, generalize better (1705.08741)."""

from __future__ import annotations

from repro.studies.hoffer2017 import diffusion, table
from repro.studies.hoffer2017.setting import Setting
from repro.studies.study import samples_of

__all__ = ["Setting", "samples"]

samples = samples_of(
    {
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
)
"""Every value that a setting's claims ask for."""

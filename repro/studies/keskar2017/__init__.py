"""Keskar et al. 2017, On Large-Batch Training for Deep Learning: Generalization Gap and Sharp Minima (1609.04836)."""

from __future__ import annotations

from repro.studies.keskar2017 import curvature, minima, paths, remedies, training
from repro.studies.keskar2017.setting import Setting
from repro.studies.study import samples_of

__all__ = ["Setting", "samples"]

samples = samples_of(
    {
        "K1": minima.generalisation_gap,
        "K2": minima.no_overfitting,
        "K3": minima.sharpness_in_full_space,
        "K4": minima.sharpness_in_a_random_subspace,
        "K5": paths.linear,
        "K6": paths.curvilinear,
        "K7": training.batch_sweep,
        "K8": training.warm_start,
        "K9": training.sharpness_against_loss,
        "K10": minima.distance_ratio,
        "K11": remedies.augmentation,
        "K12": remedies.conservative_training,
        "K13": remedies.adversarial_training,
        "K14": curvature.hessian_at_the_minima,
        "K15": remedies.other_optimisers,
        "K16": minima.few_sharp_directions,
    }
)
"""Every value that a setting's claims ask for."""

"""The article's own sections: training performance, cost, and contrastive learning."""

from __future__ import annotations

from repro.studies.article import contrastive, cost, training, useful_accuracy
from repro.studies.article.setting import Contrastive, Cost, Training
from repro.studies.study import samples_of

__all__ = ["Setting", "samples"]

Setting = Training | Cost | Contrastive
"""The settings of the article's sections."""

samples = samples_of(
    {
        "A1": training.large_batch_is_worse,
        "A2": training.adjusted_rate,
        "A3": cost.falls_until_saturated,
        "A4": cost.batched_prediction,
        "A5": contrastive.few_epochs,
        "A6": contrastive.more_epochs,
        "A7": contrastive.what_closes_it,
        "A8": training.switched,
        "A9": useful_accuracy.first_useful_accuracy,
    }
)
"""Every value that a setting's claims ask for."""

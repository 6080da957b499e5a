"""The article's own sections: training performance, cost, and contrastive learning."""

from __future__ import annotations

from repro.studies.article import training
from repro.studies.article.setting import Training
from repro.studies.study import samples_of

__all__ = ["Setting", "samples"]

Setting = Training
"""The settings of the article's sections."""

samples = samples_of(
    {
        "A1": training.large_batch_is_worse,
        "A2": training.adjusted_rate,
        "A8": training.switched,
    }
)
"""Every value that a setting's claims ask for."""

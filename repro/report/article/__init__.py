"""The exhibits of the article's sections: training performance, generalisation, contrastive learning."""

from __future__ import annotations

from repro.report.article import contrastive, training
from repro.report.article.generalisation import generalisation
from repro.report.exhibit import Exhibit
from repro.report.results import Results

__all__ = ["exhibits"]


def exhibits(results: Results) -> list[Exhibit]:
    """Every table and figure, whether its evidence is there or not."""
    return [
        training.losses(results),
        training.table(results),
        training.switch(results),
        *generalisation(results),
        contrastive.figure(results),
        contrastive.table(results),
    ]

"""The exhibits of the article's sections: training performance, generalisation, cost, contrastive learning."""

from __future__ import annotations

from repro.report.article import contrastive, cost, queue, training, useful_accuracy
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
        cost.seconds(results),
        useful_accuracy.useful_accuracy(results),
        queue.queue(results),
        contrastive.figure(results),
        contrastive.table(results),
    ]

"""What an encoder that never saw a label has learnt of the classes, measured at a stored run's end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from repro.data import Split, augmentation, load
from repro.measure import linear_probe, nearest_neighbours, recompute_statistics
from repro.measure.inputs import chunks
from repro.nets.article import Projected
from repro.runs.store import RunStore
from repro.streams import stream
from repro.studies.network import CONVOLUTIONAL_CHUNK, OfOneRun, network_at
from repro.train.contrastive import recognised

CANDIDATES = 500
"""Held-out examples whose views are told apart together, whatever the batch of the run was."""


@dataclass(frozen=True)
class RepresentationAt(OfOneRun):
    """Accuracies on the test split, BatchNorm statistics recomputed on the training set."""

    measured: ClassVar[int] = 0

    @property
    def gradients(self) -> float:
        """Cost in gradients: passes forward of both splits, of two views, and for the statistics."""
        return 3.0

    def measure(self, store: RunStore) -> dict[str, Any]:
        """Fractions: `probe_accuracy` (linear), `knn_accuracy` (k = 20, cosine) and `contrastive_accuracy`."""
        data = load(self.spec.dataset)
        model = network_at(store, self.spec, None, data)
        assert isinstance(model, Projected)
        recompute_statistics(model, data.train.inputs, chunk=CONVOLUTIONAL_CHUNK)
        known, other = (outputs(model.features, split.inputs) for split in (data.train, data.test))
        classes = {
            "probe_accuracy": linear_probe(known, data.train.labels, other),
            "knn_accuracy": nearest_neighbours(known, data.train.labels, other),
        }
        found = {name: float((guess == data.test.labels).double().mean()) for name, guess in classes.items()}
        return found | {"contrastive_accuracy": self._contrastive_accuracy(model, data.test)}

    def _contrastive_accuracy(self, model: nn.Module, split: Split) -> float:
        """Share of examples whose two views are each other's nearest among those of `CANDIDATES` examples."""
        augment, right = augmentation(self.spec.augmentation), 0
        for start in range(0, len(split), CANDIDATES):
            inputs, _ = split.batch(slice(start, start + CANDIDATES))
            views = augment(torch.cat([inputs, inputs]), stream(self.spec.seed, "held-out views", start))
            right += int(recognised(torch.stack(outputs(model, views).chunk(2))))
        return right / len(split)


def outputs(network: nn.Module, inputs: Tensor) -> Tensor:
    """What `network` makes of `inputs`, shape `(n, ...)`, in evaluation mode, on the CPU and without a graph."""
    with torch.no_grad():
        return torch.cat([network(part).cpu() for part in chunks(network, inputs, CONVOLUTIONAL_CHUNK)])

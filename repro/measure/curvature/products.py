"""Products with one curvature matrix at one point: graphs are kept as far as memory allows, and sums are float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from repro.measure.curvature.chunk import ChunkProduct
from repro.measure.flat import unflatten

GRAPH_MEMORY = 4e9
"""Bytes of graphs that are kept by default."""


class SumOverChunks:
    """A float64 sum, over chunks, of tensors shaped like the parameters."""

    def __init__(self, like: Sequence[Tensor]) -> None:
        size = sum(tensor.numel() for tensor in like)
        self._flat = torch.zeros(size, dtype=torch.float64, device=like[0].device)
        self._parts = unflatten(self._flat, like)

    def add(self, terms: Iterable[Tensor | None]) -> None:
        """Add one tensor for each parameter, or nothing where there is `None`."""
        for part, term in zip(self._parts, terms, strict=True):
            if term is not None:
                part.add_(term)

    def divided_by(self, count: int) -> Tensor:
        """The sum over `count` examples, which ends here, as their mean, `(p,)`, on the CPU."""
        return self._flat.div_(count).cpu()


class Products:
    """`v -> Mv`, M the mean over all examples of a curvature matrix at one point.

    The gradient is differentiated backward once more, not forward: on a kept graph that is faster on a CPU than forward
    over reverse, which runs the network anew for every product.

    Args:
        leaves: the parameters there.
        builders: each builds a chunk's product, on a graph of `leaves`.
        count: examples in all chunks.
        memory: bytes of graphs to keep; a product then costs 2 gradients instead of 3.
    """

    def __init__(
        self, leaves: Sequence[Tensor], builders: Sequence[Callable[[], ChunkProduct]], count: int, memory: float
    ) -> None:
        self._leaves, self._builders, self._count = leaves, builders, count
        fit = int(memory // _graph_size(builders[0], leaves)) if memory else 0
        self._kept = [build() for build in builders[:fit]]

    def __call__(self, vector: Tensor) -> Tensor:
        """M times `vector`, shape `(p,)`; float64 `(p,)`."""
        directions = unflatten(vector.detach().to(self._leaves[0]), self._leaves)
        total = SumOverChunks(self._leaves)
        for product in self._kept:
            total.add(product(directions))
        for build in self._builders[len(self._kept) :]:
            total.add(build()(directions))
        return total.divided_by(self._count)


def _graph_size(build: Callable[[], ChunkProduct], leaves: Sequence[Tensor]) -> int:
    """Bytes that a chunk's graph holds on to, the parameters apart."""
    own = {leaf.untyped_storage().data_ptr() for leaf in leaves}
    held: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        product = build()
    del product
    return max(1, sum(held.values()))

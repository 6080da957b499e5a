"""Closed forms and symmetries of the NT-Xent loss of SimCLR (Chen et al. 2020, eq. 1).

z holds both views of N examples, shape `(2, N, d)`; τ is the temperature.
"""

from __future__ import annotations

from math import exp, log

import torch
from torch import Tensor

from repro.theory.identity import identity, relative_gap
from repro.train.contrastive import nt_xent


@identity(
    title="The loss does not change with the lengths of the embeddings",
    statement=r"L(a_1 z_1, \dots, a_{2N} z_{2N}) = L(z)",
    source="Chen et al. 2020, eq. 1: the similarity is the cosine",
    premises="every factor lies above 0",
)
def lengths(embeddings: Tensor, factors: Tensor, temperature: float) -> float:
    """Gap between the loss of rescaled and of given embeddings.

    Args:
        embeddings: z, shape `(2, N, d)`.
        factors: a, shape `(2, N)`.
        temperature: τ.
    """
    return relative_gap(nt_xent(factors.unsqueeze(2) * embeddings, temperature), nt_xent(embeddings, temperature))


@identity(
    title="The loss does not change when all embeddings are turned",
    statement=r"L(z Q) = L(z)",
    source="derived: cosines alone enter",
    premises="Q is orthogonal",
)
def rotation(embeddings: Tensor, matrix: Tensor, temperature: float) -> float:
    """Gap between the loss of `z Q` and of z.

    Args:
        embeddings: z, shape `(2, N, d)`.
        matrix: Q, shape `(d, d)`.
        temperature: τ.
    """
    return relative_gap(nt_xent(embeddings @ matrix, temperature), nt_xent(embeddings, temperature))


@identity(
    title="The loss does not change with the order of the pairs, nor with the order of the views in a pair",
    statement=r"L(z_{s, \pi}) = L(z) \text{ for } \pi \text{ a permutation of the pairs, } s \text{ swaps in them}",
    source="Chen et al. 2020, algorithm 1: the mean is over all ordered pairs",
    premises="the views of an example stay together",
)
def order_of_pairs(embeddings: Tensor, first: Tensor, second: Tensor, swapped: Tensor, temperature: float) -> float:
    """Gap between the loss of reordered and of given embeddings.

    Args:
        embeddings: z, shape `(2, N, d)`.
        first: order of the first views, shape `(N,)`.
        second: order of the second views, shape `(N,)`; in the premises the same.
        swapped: which pairs change their views, boolean, shape `(N,)`.
        temperature: τ.
    """
    moved = torch.stack([embeddings[0, first], embeddings[1, second]])
    moved = torch.where(swapped.view(1, -1, 1), moved.flip(0), moved)
    return relative_gap(nt_xent(moved, temperature), nt_xent(embeddings, temperature))


@identity(
    title="Embeddings that all point one way have the loss of a guess among 2N - 1",
    statement=r"z_i \parallel z_j \;\forall i, j \Rightarrow L = \log(2N - 1)",
    source="derived from Chen et al. 2020, eq. 1",
    premises="all embeddings have one direction",
)
def collapsed(embeddings: Tensor, temperature: float) -> float:
    """Gap between the loss and `log(2N - 1)`; z has shape `(2, N, d)`."""
    return relative_gap(nt_xent(embeddings, temperature), log(2 * embeddings.shape[1] - 1))


@identity(
    title="Pairs that agree and are orthogonal to one another have a closed form",
    statement=r"L = -1/\tau + \log(e^{1/\tau} + 2N - 2)",
    source="derived from Chen et al. 2020, eq. 1",
    premises="the views of an example have one direction, examples are orthogonal",
)
def orthogonal_pairs(embeddings: Tensor, temperature: float) -> float:
    """Gap between the loss and the formula; z has shape `(2, N, d)`."""
    count = embeddings.shape[1]
    return relative_gap(nt_xent(embeddings, temperature), -1 / temperature + log(exp(1 / temperature) + 2 * count - 2))

"""The contrastive losses of SimCLR (Chen et al. 2020, arXiv 2002.05709), in which each batch is its own negatives."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from repro.errors import UsageError


def nt_xent(embeddings: Tensor, temperature: float) -> Tensor:
    """The mean of `-log exp(sim(zᵢ, zⱼ)/τ) / Σ_{k ≠ i} exp(sim(zᵢ, zₖ)/τ)` over all 2N ordered pairs (eq. 1).

    sim is the cosine: each view is to pick the other view of its example out of the 2N - 1 other embeddings. The
    authors' code returns twice this mean, which matters where a learning rate is taken over from it.

    Args:
        embeddings: z, both views of N examples, shape `(2, N, d)`, of any length whose square float32 can hold; one
            shorter than 1e-12 counts as having cosine 0 with all others.
        temperature: τ, in units of the cosine.

    Returns:
        In nats, a scalar, at least float32; from 0 to `2/τ + log(2N - 1)`.

    Raises:
        UsageError: another shape, fewer than 2 examples, or a temperature that is not above 0.
    """
    logits = _logits(embeddings, temperature)
    return F.cross_entropy(logits, _partners(logits))


def dcl(embeddings: Tensor, temperature: float) -> Tensor:
    """The decoupled loss: `nt_xent` whose denominator lacks the pair itself (Yeh et al. 2021, arXiv 2110.06848, eq. 6).

    The gradient of NT-Xent is the smaller, the better the pair stands out among few negatives; without the pair in the
    denominator that factor is gone.

    Args:
        embeddings: z, as for `nt_xent`.
        temperature: τ, as for `nt_xent`.

    Returns:
        The mean over all 2N ordered pairs in nats, a scalar; from `log(2N - 2) - 2/τ`, and below `log(2N - 2) + 2/τ`.

    Raises:
        UsageError: as for `nt_xent`.
    """
    logits = _logits(embeddings, temperature)
    pairs = _partners(logits).unsqueeze(1)
    negatives = logits.scatter(1, pairs, -torch.inf)
    return (negatives.logsumexp(1) - logits.gather(1, pairs).squeeze(1)).mean()


def recognised(embeddings: Tensor) -> Tensor:
    """For how many examples each view has the other as its nearest of all 2N - 1 embeddings, by the cosine.

    Args:
        embeddings: z, as for `nt_xent`.

    Returns:
        A count between 0 and N, int64, a scalar.
    """
    logits = _logits(embeddings, 1.0)
    return (logits.argmax(1) == _partners(logits)).view(2, -1).all(0).sum()


def _logits(embeddings: Tensor, temperature: float) -> Tensor:
    """Cosines over τ, `(2N, 2N)`; an embedding is not compared with itself."""
    if embeddings.ndim != 3 or len(embeddings) != 2 or embeddings.shape[1] < 2:
        raise UsageError(
            f"embeddings of shape {tuple(embeddings.shape)} must be (2, N, d) with N at least 2, for a pair without "
            "negatives has loss 0; pass torch.stack([first_view, second_view])."
        )
    if not temperature > 0:
        raise UsageError(f"temperature={temperature} must be above 0; the paper takes 0.1 to 0.5.")
    with torch.autocast(embeddings.device.type, enabled=False):
        z = F.normalize(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)), dim=-1).flatten(0, 1)
        return (z @ z.T / temperature).fill_diagonal_(-torch.inf)


def _partners(logits: Tensor) -> Tensor:
    """Where the other view of each embedding stands, `(2N,)`."""
    return torch.arange(len(logits), device=logits.device).roll(len(logits) // 2)

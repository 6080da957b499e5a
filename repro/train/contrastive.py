"""The contrastive loss of SimCLR (Chen et al. 2020, arXiv 2002.05709), in which each batch is its own negatives."""

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
        embeddings: z, both views of N examples, shape `(2, N, d)`, of any length; one of length 0 has cosine 0 with
            all others.
        temperature: τ, in units of the cosine.

    Returns:
        In nats, a scalar, at least float32; from 0 to `2/τ + log(2N - 1)`.

    Raises:
        UsageError: another shape, fewer than 2 examples, or a temperature that is not above 0.
    """
    if embeddings.ndim != 3 or len(embeddings) != 2 or embeddings.shape[1] < 2:
        raise UsageError(
            f"embeddings of shape {tuple(embeddings.shape)} must be (2, N, d) with N at least 2, for a pair without "
            "negatives has loss 0; pass torch.stack([first_view, second_view])."
        )
    if not temperature > 0:
        raise UsageError(f"temperature={temperature} must be above 0; the paper takes 0.1 to 0.5.")
    count = embeddings.shape[1]
    with torch.autocast(embeddings.device.type, enabled=False):
        z = F.normalize(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)), dim=-1).flatten(0, 1)
        logits = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
        partners = torch.arange(2 * count, device=z.device).roll(count)
        return F.cross_entropy(logits, partners)

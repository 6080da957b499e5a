"""What neither contrastive loss sees, and what it does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.streams import stream
from repro.train.contrastive import dcl, nt_xent, recognised

EACH = pytest.mark.parametrize("loss", [nt_xent, dcl, lambda z, _: recognised(z).double()])
SEEDS = st.integers(0, 2**32)
TEMPERATURES = st.floats(0.1, 2)
Loss = Callable[[Tensor, float], Tensor]


@st.composite
def views(draw: st.DrawFn) -> Tensor:
    """Two views of a few examples, shape `(2, N, d)`; those of an example are near to one another."""
    drawn, shape = stream(draw(SEEDS), "z"), (draw(st.integers(3, 6)), draw(st.integers(3, 6)))
    first = torch.randn(shape, generator=drawn, dtype=torch.float64)
    return torch.stack([first, first + 0.3 * torch.randn(shape, generator=drawn, dtype=torch.float64)])


@EACH
@given(views(), SEEDS, TEMPERATURES)
def test_the_lengths_of_embeddings_do_not_matter(loss: Loss, z: Tensor, seed: int, temperature: float) -> None:
    lengths = torch.randn(2, z.shape[1], 1, generator=stream(seed), dtype=torch.float64).exp()
    torch.testing.assert_close(loss(lengths * z, temperature), loss(z, temperature))


@EACH
@given(views(), TEMPERATURES)
def test_the_views_may_change_places(loss: Loss, z: Tensor, temperature: float) -> None:
    torch.testing.assert_close(loss(z.flip(0), temperature), loss(z, temperature))


@EACH
@given(views(), SEEDS, TEMPERATURES)
def test_the_examples_may_change_places(loss: Loss, z: Tensor, seed: int, temperature: float) -> None:
    order = torch.randperm(z.shape[1], generator=stream(seed))
    torch.testing.assert_close(loss(z[:, order], temperature), loss(z, temperature))


@EACH
@given(st.integers(3, 6), TEMPERATURES)
def test_partners_may_not(loss: Loss, count: int, temperature: float) -> None:
    apart = torch.eye(count, dtype=torch.float64)
    paired, crossed = torch.stack([apart, apart]), torch.stack([apart, apart.roll(1, 0)])
    assert abs(float(loss(paired, temperature) - loss(crossed, temperature))) > 0.1


@given(views(), TEMPERATURES)
def test_the_pair_in_the_denominator_only_adds_to_the_loss(z: Tensor, temperature: float) -> None:
    assert float(nt_xent(z, temperature)) > max(0.0, float(dcl(z, temperature)))

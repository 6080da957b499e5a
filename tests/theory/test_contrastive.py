from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.streams import stream
from repro.theory import contrastive

EXACT = 1e-12
SEEDS = st.integers(0, 2**32)
TEMPERATURES = st.floats(0.5, 2)


def normal(seed: int, name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(seed, name), dtype=torch.float64)


def orthogonal(seed: int, size: int) -> Tensor:
    return torch.linalg.qr(normal(seed, "Q", size, size))[0]


@st.composite
def views(draw: st.DrawFn) -> Tensor:
    """Two views of a few examples without any order, shape `(2, N, d)`."""
    return normal(draw(SEEDS), "z", 2, draw(st.integers(2, 6)), draw(st.integers(2, 6)))


@st.composite
def separated(draw: st.DrawFn) -> Tensor:
    """Views that agree, of examples that are orthogonal and of unit length, shape `(2, N, d)`."""
    size = draw(st.integers(2, 6))
    directions = orthogonal(draw(SEEDS), size)[: draw(st.integers(2, size))]
    return torch.stack([directions, directions])


@st.composite
def aligned(draw: st.DrawFn) -> Tensor:
    """Views that all point one way, of any lengths, shape `(2, N, d)`."""
    seed, size = draw(SEEDS), draw(st.integers(1, 6))
    lengths = normal(seed, "lengths", 2, draw(st.integers(2, 6)), 1).exp()
    return lengths * normal(seed, "direction", size)


@pytest.mark.holds(contrastive.lengths)
@given(views(), SEEDS, TEMPERATURES)
def test_the_loss_does_not_see_how_long_embeddings_are(embeddings, seed, temperature) -> None:
    factors = normal(seed, "factors", *embeddings.shape[:2]).exp()
    assert contrastive.lengths(embeddings, factors, temperature) < EXACT


@pytest.mark.breaks(contrastive.lengths)
@given(separated(), TEMPERATURES)
def test_an_embedding_times_a_negative_number_is_another(embeddings, temperature) -> None:
    factors = torch.ones(embeddings.shape[:2], dtype=torch.float64)
    factors[1, 0] = -1
    assert contrastive.lengths(embeddings, factors, temperature) > 1e-2


@pytest.mark.holds(contrastive.rotation)
@given(views(), SEEDS, TEMPERATURES)
def test_the_loss_does_not_see_rotations_and_reflections(embeddings, seed, temperature) -> None:
    assert contrastive.rotation(embeddings, orthogonal(seed, embeddings.shape[2]), temperature) < EXACT


@pytest.mark.breaks(contrastive.rotation)
@given(separated(), TEMPERATURES)
def test_a_matrix_that_takes_all_examples_to_one_direction_raises_it(embeddings, temperature) -> None:
    directions = embeddings[0]
    matrix = directions.sum(0).outer(directions[0])
    assert contrastive.rotation(embeddings, matrix, temperature) > 1e-2


@pytest.mark.holds(contrastive.order_of_pairs)
@given(views(), SEEDS, TEMPERATURES)
def test_pairs_change_places_and_views_change_places_in_them(embeddings, seed, temperature) -> None:
    drawn, count = stream(seed, "order"), embeddings.shape[1]
    order = torch.randperm(count, generator=drawn)
    swapped = torch.randint(2, (count,), generator=drawn).bool()
    assert contrastive.order_of_pairs(embeddings, order, order, swapped, temperature) < EXACT


@pytest.mark.breaks(contrastive.order_of_pairs)
@given(separated(), TEMPERATURES)
def test_views_that_change_from_pair_to_pair_raise_the_loss(embeddings, temperature) -> None:
    order = torch.arange(embeddings.shape[1])
    still = torch.zeros(len(order), dtype=torch.bool)
    assert contrastive.order_of_pairs(embeddings, order, order.roll(1), still, temperature) > 1e-2


@given(separated(), TEMPERATURES)
def test_views_that_change_places_change_a_loss_of_the_first_views_alone(embeddings, temperature) -> None:
    order = torch.arange(embeddings.shape[1])
    embeddings[1, 0] *= 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contrastive, "nt_xent", lambda z, _: z[0].norm(dim=1).sum())
        assert contrastive.order_of_pairs(embeddings, order, order, order == 0, temperature) > 1e-3


@pytest.mark.holds(contrastive.collapsed)
@given(aligned(), TEMPERATURES)
def test_embeddings_that_point_one_way_are_a_guess(embeddings, temperature) -> None:
    assert contrastive.collapsed(embeddings, temperature) < EXACT


@pytest.mark.breaks(contrastive.collapsed)
@given(aligned(), TEMPERATURES)
def test_one_embedding_that_points_the_other_way_is_more_loss_than_a_guess(embeddings, temperature) -> None:
    embeddings[1, 0] = -embeddings[1, 0]
    assert contrastive.collapsed(embeddings, temperature) > 1e-3


@pytest.mark.holds(contrastive.orthogonal_pairs)
@given(separated(), TEMPERATURES)
def test_orthogonal_pairs_have_their_closed_form(embeddings, temperature) -> None:
    assert contrastive.orthogonal_pairs(embeddings, temperature) < EXACT


@pytest.mark.breaks(contrastive.orthogonal_pairs)
@given(separated(), TEMPERATURES)
def test_pairs_that_lean_to_one_another_have_more(embeddings, temperature) -> None:
    leaning = embeddings + embeddings.sum(1, keepdim=True)
    assert contrastive.orthogonal_pairs(leaning, temperature) > 1e-2

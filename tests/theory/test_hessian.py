from __future__ import annotations

from copy import deepcopy
from itertools import product

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.losses import cross_entropy
from repro.measure.objective import NetworkObjective
from repro.theory import hessian

EXACT = 1e-10
seeds = st.integers(0, 2**32)


def made(seed: int, *, bend: type[nn.Module] = nn.ReLU, batchnorm: str = "running", **settings) -> NetworkObjective:
    """A little network in float64 with BatchNorm, and 11 examples in uneven chunks."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), bend(), nn.Linear(4, 3)).double()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.data = drawn.abs() + 0.5 if name.endswith("running_var") else drawn
    inputs = torch.randn(11, 3, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 3, (11,), generator=generator)
    return NetworkObjective(model, inputs, labels, batchnorm=batchnorm, **{"chunk": 4} | settings)


BENDS = st.sampled_from([nn.ReLU, nn.Softplus])


@pytest.mark.holds(hessian.dense_matrix)
@given(seeds, BENDS, st.integers(1, 12))
def test_products_in_chunks_of_any_size_are_the_dense_hessian(seed, bend, chunk) -> None:
    f = made(seed, bend=bend, chunk=chunk)
    assert hessian.dense_matrix(f, f.model.eval(), *f.data) < EXACT


@pytest.mark.holds(hessian.dense_matrix)
@given(seeds, BENDS)
def test_so_they_are_with_the_statistics_of_the_batch(seed, bend) -> None:
    f = made(seed, bend=bend, batchnorm="batch", chunk=11)
    assert hessian.dense_matrix(f, f.model.train(), *f.data) < EXACT


def alive(f: NetworkObjective) -> bool:
    """Whether some hidden unit is not zero on every example, with one or the other statistics of BatchNorm."""
    hidden = deepcopy(f.model[:-1])
    return any(hidden.train(mode)(f.data[0]).any() for mode in (False, True))


@pytest.mark.breaks(hessian.dense_matrix)
@given(seeds, BENDS, st.sampled_from(["running", "batch"]))
def test_with_batchnorm_in_the_other_mode_they_are_not_while_a_unit_is_alive(seed, bend, batchnorm) -> None:
    f = made(seed, bend=bend, batchnorm=batchnorm, chunk=11)
    assume(alive(f))
    assert hessian.dense_matrix(f, f.model.train(batchnorm == "running"), *f.data) > 1e-3


@pytest.mark.breaks(hessian.dense_matrix)
@given(seeds, BENDS)
def test_products_that_miss_a_chunk_are_not(seed, bend) -> None:
    f = made(seed, bend=bend)
    rest = [tensor[4:] for tensor in f.data]  # their sum is divided by 11 all the same
    missing = NetworkObjective(f.model, *rest, loss=lambda z, y: 7 / 11 * cross_entropy(z, y), chunk=4)
    assert hessian.dense_matrix(missing, f.model.eval(), *f.data) > 1e-3


def vectors(f: NetworkObjective, seed: int) -> tuple[Tensor, Tensor]:
    return tuple(torch.randn(2, f.size, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64))


@st.composite
def matrices(draw: st.DrawFn) -> Tensor:
    """Symmetric, 3 to 6 variables, no entry off the diagonal near zero."""
    size = draw(st.integers(3, 6))
    half = torch.rand(size, size, generator=torch.Generator().manual_seed(draw(seeds)), dtype=torch.float64) + 0.1
    return half + half.T


@pytest.mark.holds(hessian.symmetric)
@given(seeds)
def test_the_hessian_is_symmetric(seed) -> None:
    f = made(seed)
    operator = CurvatureOperator(f, f.start)
    assert hessian.symmetric(operator, operator, *vectors(f, seed)) < EXACT


@pytest.mark.breaks(hessian.symmetric)
@given(seeds)
def test_products_at_two_points_are_not_symmetric(seed) -> None:
    f = made(seed, bend=nn.Softplus)
    here, there = CurvatureOperator(f, f.start), CurvatureOperator(f, 2 * f.start)
    assert hessian.symmetric(here, there, *vectors(f, seed)) > 1e-8


@given(seeds, st.sampled_from([0.1, 10.0]), st.sampled_from([0.1, 10.0]))
def test_the_gap_in_symmetry_does_not_grow_with_the_loss_nor_with_the_vectors(seed, louder, longer) -> None:
    gaps = []
    for loss_by, vectors_by in ((1.0, 1.0), (louder, longer)):
        f = made(seed, bend=nn.Softplus, loss=lambda z, y, by=loss_by: by * cross_entropy(z, y))
        here, there = CurvatureOperator(f, f.start), CurvatureOperator(f, 2 * f.start)
        gaps.append(hessian.symmetric(here, there, *(vectors_by * vector for vector in vectors(f, seed))))
    assert gaps[1] == pytest.approx(gaps[0], rel=1e-4)


@pytest.mark.holds(hessian.linear)
@given(seeds, st.integers(-3, 3), st.integers(-3, 3))
def test_products_are_linear(seed, a, b) -> None:
    f = made(seed)
    operator = CurvatureOperator(f, f.start)
    assert hessian.linear(operator, operator, *vectors(f, seed), a, b) < EXACT


@pytest.mark.breaks(hessian.linear)
@given(seeds)
def test_products_at_two_points_are_not_linear(seed) -> None:
    f = made(seed, bend=nn.Softplus)
    here, there = CurvatureOperator(f, f.start), CurvatureOperator(f, 2 * f.start)
    assert hessian.linear(here, there, *vectors(f, seed), 1.0, -2.0) > 1e-8


def cut(f: NetworkObjective, at: int) -> list[NetworkObjective]:
    inputs, labels = f.data
    return [
        NetworkObjective(f.model, i, y, batchnorm=f.batchnorm)
        for i, y in zip(*(t.split([at, 11 - at]) for t in (inputs, labels)), strict=True)
    ]


@pytest.mark.holds(hessian.chunks_add_up)
@given(seeds, st.integers(1, 10))
def test_uneven_chunks_add_up_to_the_whole(seed, at) -> None:
    f = made(seed)
    assert hessian.chunks_add_up(f, cut(f, at), vectors(f, seed)[0]) < EXACT


@pytest.mark.breaks(hessian.chunks_add_up)
@given(seeds, st.integers(2, 9))
def test_chunks_with_statistics_of_their_own_do_not_add_up(seed, at) -> None:
    f = made(seed, bend=nn.Softplus, batchnorm="batch", chunk=11)
    assert hessian.chunks_add_up(f, cut(f, at), vectors(f, seed)[0]) > 1e-6


@pytest.mark.holds(hessian.trace_is_gauss_newtons)
@given(seeds)
def test_the_traces_of_a_relu_network_are_one(seed) -> None:
    assert hessian.trace_is_gauss_newtons(made(seed)) < EXACT


@pytest.mark.breaks(hessian.trace_is_gauss_newtons)
@given(seeds)
def test_the_traces_of_a_bent_network_are_two(seed) -> None:
    assert hessian.trace_is_gauss_newtons(made(seed, bend=nn.Softplus)) > 1e-6


@pytest.mark.holds(hessian.gauss_newton_is_semi_definite)
@given(seeds, st.sampled_from([nn.ReLU, nn.Tanh]))
def test_the_gauss_newton_part_of_a_cross_entropy_is_semi_definite(seed, bend) -> None:
    assert hessian.gauss_newton_is_semi_definite(made(seed, bend=bend)) < 1e-6  # certain examples leave few digits


@pytest.mark.breaks(hessian.gauss_newton_is_semi_definite)
@given(seeds, st.sampled_from([0.1, 1.0, 10.0]))
def test_that_of_a_loss_bent_downwards_is_negative_by_all_of_itself_however_large_the_loss(seed, factor) -> None:
    f = made(seed, loss=lambda z, _: -factor * z.square().sum(1))
    assert hessian.gauss_newton_is_semi_definite(f) == pytest.approx(1)


def signs(size: int) -> Tensor:
    return torch.tensor(list(product((-1.0, 1.0), repeat=size)), dtype=torch.float64)


@pytest.mark.holds(hessian.signs_give_the_trace)
@given(matrices())
def test_all_vectors_of_signs_give_the_trace(matrix) -> None:
    assert hessian.signs_give_the_trace(matrix, signs(len(matrix))) < EXACT


@pytest.mark.breaks(hessian.signs_give_the_trace)
@given(matrices())
def test_signs_that_go_together_do_not(matrix) -> None:
    vectors = signs(len(matrix))
    vectors[:, 1] = vectors[:, 0]
    assert hessian.signs_give_the_trace(matrix, vectors) > 1e-3


@pytest.mark.holds(hessian.deflated_trace)
@given(matrices(), st.integers(1, 2))
def test_an_orthonormal_subspace_can_be_taken_out(matrix, k) -> None:
    basis, _ = torch.linalg.qr(matrix[:, :k])
    assert hessian.deflated_trace(matrix, basis) < EXACT


@pytest.mark.breaks(hessian.deflated_trace)
@given(matrices())
def test_a_subspace_with_long_vectors_cannot(matrix) -> None:
    basis, _ = torch.linalg.qr(matrix[:, :1])
    assert hessian.deflated_trace(matrix, 1.5 * basis) > 1e-6


@pytest.mark.holds(hessian.no_noise_on_a_diagonal)
@given(matrices(), seeds)
def test_a_diagonal_matrix_is_known_after_any_probe(matrix, seed) -> None:
    assert hessian.no_noise_on_a_diagonal(matrix.diag().diag(), seed) < EXACT


@pytest.mark.breaks(hessian.no_noise_on_a_diagonal)
@given(seeds)
def test_a_matrix_with_entries_beside_the_diagonal_is_not(seed) -> None:
    matrix = torch.ones(3, 3).double() + torch.diag(torch.tensor([1.0, 2.0, 4.0]).double())
    assert hessian.no_noise_on_a_diagonal(matrix, seed) > 1e-3


@pytest.mark.breaks(hessian.no_noise_on_a_diagonal)
@given(seeds, st.floats(0.1, 2))
def test_one_entry_beside_the_diagonal_is_wholly_error_or_wholly_scatter(seed, beside) -> None:
    """Two probes give 4 ± 2c each: with one sign an error and no scatter, with two signs no error."""
    matrix = torch.tensor([[3.0, beside], [beside, 1.0]], dtype=torch.float64)
    assert hessian.no_noise_on_a_diagonal(matrix, seed) == pytest.approx(2 * beside / 4)


@pytest.mark.holds(hessian.quadrature_moments)
@given(matrices(), st.integers(1, 3), st.data(), seeds)
def test_a_quadrature_has_the_moments_that_it_promises(matrix, steps, data, seed) -> None:
    power = data.draw(st.integers(0, 2 * steps - 1))
    assert hessian.quadrature_moments(matrix, steps, power, seed) < 1e-8


@pytest.mark.breaks(hessian.quadrature_moments)
@given(seeds)
def test_it_does_not_have_the_next_one(seed) -> None:
    matrix = torch.diag(torch.tensor([1.0, 2.0, 5.0, 11.0]).double()) + 0.5
    assert hessian.quadrature_moments(matrix, 1, 2, seed) > 1e-4


def test_the_networks_here_have_curvature() -> None:
    f = made(0)
    assert dense(CurvatureOperator(f, f.start)).abs().max() > 1e-3

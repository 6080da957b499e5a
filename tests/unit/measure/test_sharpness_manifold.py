from __future__ import annotations

import itertools

import pytest
import torch
from scipy.optimize import approx_fprime

from repro.errors import UsageError
from repro.measure import manifold as manifold_module
from repro.measure.box import Box
from repro.measure.manifold import Manifold, OnManifold, manifold_box, random_manifold
from repro.measure.quadratic import Quadratic
from repro.measure.sharpness import sharpness
from repro.streams import stream


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Several blocks, the last of them uneven, in a matrix of a few rows."""
    monkeypatch.setattr(manifold_module, "BLOCK", 8)


def convex(size: int, seed: int = 0) -> tuple[Quadratic, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(size, size, generator=generator).double() / size**0.5
    x = torch.randn(size, generator=generator).double()
    return Quadratic(torch.randn(size, generator=generator), a @ a.T, 20.0), x


def draw(size: int, columns: int, seed: int = 0, **how) -> Manifold:
    return random_manifold(size, columns, stream(seed, "manifold"), **how)


@pytest.mark.parametrize("rule", ["published", "searched"])
@pytest.mark.parametrize("eps", [1e-3, 0.2])
def test_the_identity_as_a_matrix_is_the_full_space(rule, eps):
    f, x = convex(9)
    full = sharpness(f, x, eps, rule=rule)
    inside = sharpness(f, x, eps, rule=rule, manifold=Manifold(torch.eye(9)))
    assert inside.value == pytest.approx(full.value, rel=1e-9)
    assert torch.allclose(inside.displacement, full.displacement, rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [0.1, 1.0, 7.0])
def test_a_factor_of_the_matrix_replaces_the_one_in_the_box(factor):
    f, x = convex(19)
    a = draw(19, 5)
    half = 1e-2 * (a.coordinates(x).abs() + factor)
    corners = (torch.tensor(signs).double() * half for signs in itertools.product((-1, 1), repeat=5))
    highest = max(f.value(x + a.displacement(w)) for w in corners)
    found = sharpness(f, x, 1e-2, manifold=Manifold(factor * a.matrix.double()))
    assert found.value == pytest.approx(100 * (highest - f.value(x)) / (1 + f.value(x)), rel=1e-6)


def test_the_scale_of_the_matrix_matters():
    f, x = convex(19)
    values = [sharpness(f, x, 1e-2, manifold=draw(19, 5, scale=scale)).value for scale in (0.1, 1.0, 7.0)]
    assert values[0] < values[1] / 2 < values[2] / 4


@pytest.mark.parametrize("rank", [4, 6])
def test_coordinates_are_those_of_the_pseudo_inverse(rank):
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(21, rank, generator=generator) @ torch.randn(rank, 6, generator=generator)
    x = torch.randn(21, generator=generator)
    dense = torch.linalg.pinv(matrix.double(), rtol=1e-5) @ x.double()
    assert torch.allclose(Manifold(matrix).coordinates(x), dense, rtol=1e-5, atol=1e-7)


def test_coordinates_are_least_squares_to_the_last_digits():
    a = draw(300, 20)
    x = torch.randn(300, generator=torch.Generator().manual_seed(2))
    dense = torch.linalg.lstsq(a.matrix.double(), x.double()[:, None]).solution[:, 0]
    assert torch.allclose(a.coordinates(x), dense, rtol=0, atol=1e-13)


def test_products_with_a_float32_matrix_keep_float64_sums():
    a = draw(5001, 3)
    z, g = torch.tensor([1.0, -1e-7, 1e-9]).double(), torch.randn(5001, generator=stream(0, "g")).double()
    assert torch.allclose(a.displacement(z), a.matrix.double() @ z, rtol=0, atol=1e-14)
    assert torch.allclose(a.pulled_back(g), a.matrix.double().T @ g, rtol=1e-13)
    in_float32 = (a.matrix.T @ g.float()).double()
    assert not torch.allclose(a.pulled_back(g), in_float32, rtol=1e-9)


def test_the_function_on_the_manifold_has_the_gradient_of_its_values():
    f, x = convex(19)
    inner = OnManifold(f, x, draw(19, 5))
    z = torch.linspace(-0.3, 0.2, 5).double()
    numeric = approx_fprime(z.numpy(), lambda v: inner.value(torch.from_numpy(v)), 1e-6)
    assert inner.value_and_grad(z)[1].numpy() == pytest.approx(numeric, rel=1e-4, abs=1e-5)
    assert inner.value_and_grad(z)[0] == pytest.approx(inner.value(z), rel=1e-14)


def test_the_hessian_on_the_manifold_is_the_one_between_the_matrices():
    f, x = convex(19)
    a = draw(19, 5)
    v = torch.linspace(-1, 2, 5).double()
    dense = a.matrix.double().T @ f.hessian @ a.matrix.double() @ v
    assert torch.allclose(OnManifold(f, x, a).hvp(torch.zeros(5), v), dense, rtol=1e-12)


def test_entries_are_distributed_as_their_name_says(monkeypatch):
    monkeypatch.setattr(manifold_module, "BLOCK", 1000)
    normal, uniform, unit = (
        draw(20_011, 4, entries=entries).matrix for entries in ("normal", "uniform", "unit-columns")
    )
    assert normal.std().item() == pytest.approx(1, abs=0.02)
    assert normal.abs().max() > 3
    assert uniform.std().item() == pytest.approx(3**-0.5, abs=0.01)
    assert uniform.abs().max() <= 1
    assert unit.double().norm(dim=0) == pytest.approx(torch.ones(4).double())
    assert torch.allclose(unit * normal.norm(dim=0), normal, rtol=1e-4)


def test_the_matrix_depends_on_its_generator_alone():
    state = torch.get_rng_state()
    one, same, other = draw(30, 4), draw(30, 4), draw(30, 4, seed=1)
    assert torch.equal(one.matrix, same.matrix)
    assert not torch.equal(one.matrix, other.matrix)
    assert one.matrix.dtype is torch.float32
    assert torch.equal(draw(30, 4, scale=2.0).matrix, 2 * one.matrix)
    assert torch.equal(state, torch.get_rng_state())


def test_no_two_blocks_of_the_matrix_are_alike():
    matrix = draw(16, 4).matrix
    assert not torch.equal(matrix[:8], matrix[8:])


def test_the_box_is_that_of_the_coordinates():
    a = Manifold(torch.tensor([[2.0], [0.0]]))
    box = manifold_box(a, torch.tensor([6.0, 5.0]), 1e-2)
    assert isinstance(box, Box)
    assert (box.lower.item(), box.upper.item()) == pytest.approx((-0.04, 0.04))


def test_the_highest_point_is_on_the_manifold_and_has_the_value_reported():
    f, x = convex(19)
    a = draw(19, 5)
    found = sharpness(f, x, 1e-2, manifold=a)
    assert f.value(x + found.displacement) == pytest.approx(found.maximum, rel=1e-12)
    z = a.coordinates(found.displacement)
    assert torch.allclose(a.displacement(z), found.displacement, rtol=1e-9)
    assert found.fraction_on_bound == 1.0


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: draw(3, 2, entries="cauchy"), "entries='cauchy'"),
        (lambda: draw(3, 0), "columns=0 must be from 1 to 3"),
        (lambda: draw(3, 4), "columns=4 must be from 1 to 3"),
        (lambda: draw(3, 2, scale=0.0), "scale=0.0"),
        (lambda: Manifold(torch.ones(3)), r"shape \(3,\)"),
        (lambda: Manifold(torch.full((2, 2), torch.inf)), "finite"),
        (lambda: sharpness(Quadratic(torch.ones(3), torch.ones(3)), torch.ones(3), manifold=draw(4, 2)), "4 rows"),
        (lambda: manifold_box(draw(4, 2), torch.ones(4), -1.0), "eps=-1.0"),
    ],
)
def test_what_is_no_manifold_is_an_error_that_names_it(make, named):
    with pytest.raises(UsageError, match=named):
        make()


def test_coordinates_survive_nearly_parallel_columns():
    base = torch.randn(40, 1, generator=torch.Generator().manual_seed(0)).double()
    matrix = base + 1e-4 * torch.randn(40, 3, generator=torch.Generator().manual_seed(1)).double()
    x = matrix @ torch.tensor([1.0, -2.0, 3.0]).double()
    once = Manifold(matrix)._inverse_gram @ (matrix.T @ x)
    twice = Manifold(matrix).coordinates(x)
    error, before = ((z - torch.tensor([1.0, -2.0, 3.0])).abs().max() for z in (twice, once))
    assert error < 1e-9 < before

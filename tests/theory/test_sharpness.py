from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.measure.manifold import Manifold
from repro.measure.maximise import published, searched
from repro.measure.objective import NetworkObjective
from repro.measure.quadratic import Quadratic
from repro.theory import sharpness
from repro.theory.corners import highest_corner

EXACT = 1e-6
"""A rise of 1e-8 beside a loss of 1 leaves eight digits."""
SEARCHED = partial(searched, budget=20)

seeds = st.integers(0, 2**32)
radii = st.sampled_from([1e-3, 5e-4, 0.1, 0.5])
small = st.sampled_from([1e-3, 0.1])


def quadratic(hessian: Tensor, x: Tensor, slope: Tensor, loss: float = 0.7) -> Quadratic:
    """The quadratic that has this gradient and this value at x."""
    gradient = slope - hessian @ x
    return Quadratic(gradient, hessian, loss - float(gradient @ x + x @ hessian @ x / 2))


@st.composite
def generators(draw: st.DrawFn) -> torch.Generator:
    return torch.Generator().manual_seed(draw(seeds))


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def between(low: float, high: float, generator: torch.Generator, *shape: int) -> Tensor:
    """Of either sign, the magnitude uniform."""
    magnitude = low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)
    return magnitude * (torch.randint(0, 2, shape, generator=generator) * 2 - 1)


@st.composite
def convex(draw: st.DrawFn) -> tuple[Quadratic, Tensor]:
    """A convex quadratic of up to 3 variables and a point, none of them zero."""
    size, generator = draw(st.integers(1, 3)), draw(generators())
    factor, x = normal(generator, size, size), between(0.1, 2, generator, size)
    return quadratic(factor @ factor.T, x, normal(generator, size)), x


@st.composite
def slopes(draw: st.DrawFn) -> tuple[Quadratic, Tensor]:
    """As above, but so steep that in no box of ε up to 0.1 an entry of the gradient changes its sign."""
    size, generator = draw(st.integers(1, 3)), draw(generators())
    factor, x = normal(generator, size, size), between(0.1, 1, generator, size)
    hessian = factor @ factor.T
    return quadratic(hessian / hessian.trace(), x, between(1, 2, generator, size)), x


@st.composite
def hills(draw: st.DrawFn) -> tuple[Quadratic, Tensor]:
    """A concave quadratic and its summit."""
    size, generator = draw(st.integers(1, 3)), draw(generators())
    factor, x = normal(generator, size, size), normal(generator, size)
    hessian = -factor @ factor.T - torch.eye(size, dtype=torch.float64)
    return quadratic(hessian, x, torch.zeros(size, dtype=torch.float64)), x


@pytest.mark.holds(sharpness.non_negative)
@given(st.one_of(convex(), hills()), radii, st.sampled_from([published, SEARCHED]))
def test_sharpness_is_never_negative_not_even_on_a_summit(problem, eps, search) -> None:
    assert sharpness.non_negative(*problem, eps, search) == 0


@pytest.mark.breaks(sharpness.non_negative)
@given(hills(), st.sampled_from([0.1, 0.5]))
def test_the_corners_alone_lie_below_a_summit(problem, eps) -> None:
    assert sharpness.non_negative(*problem, eps, highest_corner) > 1e-3


@pytest.mark.holds(sharpness.monotone)
@given(convex(), radii, st.floats(1, 5))
def test_sharpness_never_falls_when_the_box_grows(problem, eps, factor) -> None:
    assert sharpness.monotone(*problem, eps, factor * eps, highest_corner) < EXACT


@st.composite
def slopes_of_hills(draw: st.DrawFn) -> tuple[Quadratic, Tensor, float]:
    """A separable concave quadratic, a point, and the ε at which the corner of that box is the summit."""
    size, generator, eps = draw(st.integers(1, 3)), draw(generators()), draw(radii)
    h, x = between(0.5, 2, generator, size).abs(), normal(generator, size)
    return quadratic(torch.diag(-h), x, h * eps * (x.abs() + 1)), x, eps


@pytest.mark.breaks(sharpness.monotone)
@given(slopes_of_hills(), st.floats(1.5, 5))
def test_a_search_of_the_corners_alone_finds_less_in_a_box_that_reaches_beyond_the_summit(problem, factor) -> None:
    f, x, eps = problem
    assert sharpness.monotone(f, x, eps, factor * eps, highest_corner) > 0.1


def squared_error(outputs: Tensor, labels: Tensor) -> Tensor:
    return (outputs[:, 0] - labels).square() / 2 + 0.3


def network(activation: nn.Module, incoming: Tensor, outgoing: Tensor, labels: Tensor) -> NetworkObjective:
    """One input, two hidden units, one output; the parameters are `[*incoming, *outgoing]`."""
    model = nn.Sequential(nn.Linear(1, 2, bias=False), activation, nn.Linear(2, 1, bias=False)).double()
    model.load_state_dict({"0.weight": incoming[:, None], "2.weight": outgoing[None]})
    inputs = torch.tensor([[-1.0], [-0.6], [0.7], [1.1]]).double()
    return NetworkObjective(model, inputs, labels, loss=squared_error)


SWAP = torch.tensor([1, 0, 3, 2])
"""The order of the parameters when the hidden units change places."""


@st.composite
def relu_networks(draw: st.DrawFn) -> NetworkObjective:
    """What comes into the first hidden unit and leaves it is larger, and the labels are far from the outputs."""
    generator = draw(generators())
    first, second = between(2, 3, generator, 2), between(0.5, 1, generator, 2)
    incoming, outgoing = torch.stack([first, second]).T
    labels = torch.full((4,), -20.0 * outgoing[0].sign(), dtype=torch.float64)
    return network(nn.ReLU(), incoming, outgoing, labels)


@pytest.mark.holds(sharpness.permutation)
@given(relu_networks(), st.sampled_from([1e-3, 0.05]))
def test_hidden_units_that_change_places_do_not_change_sharpness(f, eps) -> None:
    assert sharpness.permutation(f, f.start, SWAP, eps) < EXACT


@pytest.mark.breaks(sharpness.permutation)
@given(relu_networks(), st.sampled_from([1e-3, 0.05]))
def test_on_a_manifold_they_do(f, eps) -> None:
    first_unit = Manifold(torch.tensor([[1.0, 0, 0, 0], [0, 0, 1.0, 0]]).T)
    assert sharpness.permutation(f, f.start, SWAP, eps, first_unit) > 0.1


@pytest.mark.breaks(sharpness.permutation)
@given(relu_networks(), st.sampled_from([1e-3, 0.05]))
def test_half_of_the_exchange_makes_another_function(f, eps) -> None:
    assert sharpness.permutation(f, f.start, torch.tensor([1, 0, 2, 3]), eps) > 1e-2


@pytest.mark.holds(sharpness.dead_parameters)
@given(convex(), radii, st.integers(1, 2), generators())
def test_parameters_without_influence_do_not_change_sharpness(problem, eps, count, generator) -> None:
    assert sharpness.dead_parameters(*problem, normal(generator, count), eps) < EXACT


@pytest.mark.breaks(sharpness.dead_parameters)
@given(convex(), radii)
def test_on_a_manifold_that_mixes_them_with_the_others_they_do(problem, eps) -> None:
    f, x = problem
    along = Manifold(torch.cat([x, torch.ones(1)])[:, None])
    assert sharpness.dead_parameters(f, x, 20 * torch.ones(1).double(), eps, along) > 0.1


@pytest.mark.holds(sharpness.identity_matrix)
@given(slopes(), small)
def test_on_the_manifold_of_the_identity_matrix_sharpness_is_that_of_the_full_space(problem, eps) -> None:
    f, x = problem
    assert sharpness.identity_matrix(f, x, eps, Manifold(torch.eye(len(x)))) < EXACT


@pytest.mark.breaks(sharpness.identity_matrix)
@given(slopes(), small, st.sampled_from([0.3, 3.0]))
def test_on_that_of_a_multiple_of_it_sharpness_is_another(problem, eps, factor) -> None:
    f, x = problem
    assert sharpness.identity_matrix(f, x, eps, Manifold(factor * torch.eye(len(x)))) > 0.1


@pytest.mark.holds(sharpness.scaled_columns)
@given(convex(), radii, generators())
def test_the_lengths_of_the_columns_replace_the_one_in_the_box(problem, eps, generator) -> None:
    f, x = problem
    columns = int(torch.randint(1, len(x) + 1, (), generator=generator))
    factors = between(0.1, 5, generator, columns).abs()
    assert sharpness.scaled_columns(f, x, eps, Manifold(normal(generator, len(x), columns)), factors) < EXACT


@pytest.mark.breaks(sharpness.scaled_columns)
@given(radii, st.floats(3, 5), st.floats(2, 4))
def test_where_columns_depend_on_each_other_they_do_not(eps, factor, size) -> None:
    f = Quadratic(torch.tensor([1.0, -1.0]), torch.zeros(2), 50.0)
    x, dependent = torch.full((2,), 10 * size).double(), torch.tensor([[1.0, 0, 1], [0, 1, 1]]).double()
    factors = torch.tensor([factor, factor, 1.0]).double()
    assert sharpness.scaled_columns(f, x, eps, Manifold(dependent), factors) > 0.1


@st.composite
def diagonal_problems(draw: st.DrawFn) -> tuple[Quadratic, Tensor]:
    """A separable convex quadratic of a few variables and a point where no entry of its gradient is zero."""
    size, generator = draw(st.integers(1, 8)), draw(generators())
    h, x = between(0, 5, generator, size).abs(), between(0.1, 2, generator, size)
    return quadratic(torch.diag(h), x, draw(st.sampled_from([0.01, 1.0])) * between(0.1, 1, generator, size)), x


@pytest.mark.holds(sharpness.separable)
@given(diagonal_problems(), radii)
def test_sharpness_of_a_separable_convex_quadratic_is_a_sum_over_its_variables(problem, eps) -> None:
    assert sharpness.separable(*problem, eps) < EXACT


@pytest.mark.breaks(sharpness.separable)
@given(generators(), radii, st.floats(0.2, 0.9), st.booleans())
def test_variables_that_interact_have_a_sharpness_beyond_that_sum(generator, eps, correlation, opposed) -> None:
    x, mixed = between(0, 1, generator, 2), -correlation if opposed else correlation
    hessian = torch.tensor([[1.0, mixed], [mixed, 1.0]]).double()
    assert sharpness.separable(quadratic(hessian, x, torch.zeros(2).double()), x, eps) > 0.1


@pytest.mark.breaks(sharpness.separable)
@given(slopes_of_hills(), st.floats(1.5, 5))
def test_a_concave_function_may_be_highest_inside_of_the_box(problem, factor) -> None:
    f, x, eps = problem
    assert sharpness.separable(f, x, factor * eps) > 0.1


@st.composite
def tanh_networks(draw: st.DrawFn, residual: float = 0.0) -> NetworkObjective:
    """The labels are the outputs and the same for all examples a residual; without one the gradient is zero."""
    generator = draw(generators())
    incoming, outgoing = between(0.5, 1, generator, 2), between(0.5, 1, generator, 2)
    inputs = torch.tensor([[-1.0], [-0.6], [0.7], [1.1]]).double()
    outputs = torch.tanh(inputs * incoming) @ outgoing
    return network(nn.Tanh(), incoming, outgoing, outputs + residual * outputs.sign())


@pytest.mark.holds(sharpness.curvature)
@given(tanh_networks(), st.sampled_from([1e-3, 1e-4]))
def test_at_a_stationary_point_sharpness_tends_to_the_second_order_rise(f, eps) -> None:
    assert sharpness.curvature(f, f.start, eps) < 5 * eps


@pytest.mark.breaks(sharpness.curvature)
@given(tanh_networks(0.5), st.sampled_from([1e-3, 1e-4]))
def test_where_there_is_a_slope_sharpness_is_far_above_it(f, eps) -> None:
    assert sharpness.curvature(f, f.start, eps) > 0.9


@st.composite
def valleys(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """λ₁ v₁v₁ᵀ, a point and v₁."""
    size, generator = draw(st.integers(1, 5)), draw(generators())
    v = torch.nn.functional.normalize(normal(generator, size), dim=0)
    return draw(st.floats(0.1, 10)) * v.outer(v), between(0.1, 2, generator, size), v


@pytest.mark.holds(sharpness.rank_one)
@given(valleys(), radii)
def test_sharpness_of_a_valley_is_its_eigenvalue_times_a_weighted_length(valley, eps) -> None:
    hessian, x, _ = valley
    assert sharpness.rank_one(quadratic(hessian, x, torch.zeros_like(x)), x, eps) < EXACT


@pytest.mark.breaks(sharpness.rank_one)
@given(valleys(), radii)
def test_a_slope_adds_to_it(valley, eps) -> None:
    hessian, x, v = valley
    assert sharpness.rank_one(quadratic(hessian, x, 10 * eps * v), x, eps) > 0.1


@pytest.mark.breaks(sharpness.rank_one)
@given(generators(), radii, st.floats(0.5, 0.9), st.integers(2, 5))
def test_other_eigenvalues_add_to_it(generator, eps, second, size) -> None:
    x, values = between(0, 1, generator, size), torch.full((size,), second).double()
    values[0] = 1
    assert sharpness.rank_one(quadratic(torch.diag(values), x, torch.zeros_like(x)), x, eps) > 0.1


@pytest.mark.holds(sharpness.adaptive_is_less)
@given(convex(), radii)
def test_adaptive_sharpness_never_exceeds_keskars(problem, eps) -> None:
    assert sharpness.adaptive_is_less(*problem, eps, eps) < EXACT


@pytest.mark.breaks(sharpness.adaptive_is_less)
@given(convex(), radii)
def test_at_a_larger_eps_it_does(problem, eps) -> None:
    f, x = problem
    covering = eps * float((1 + 1 / x.abs()).max())
    assert sharpness.adaptive_is_less(f, x, 2 * covering, eps) > 0.1

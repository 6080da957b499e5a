from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
from scipy.optimize import differential_evolution
from torch import nn

from repro.errors import UsageError
from repro.measure.adaptive import adaptive_sharpness
from repro.measure.box import keskar_box
from repro.measure.lbfgsb import SCIPY_TOLERANCES
from repro.measure.maximise import searched
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective
from repro.measure.quadratic import Quadratic
from repro.measure.sharpness import check_search, sharpness, sharpness_in_box

TINY_INPUTS: dict[NetworkObjective, torch.Tensor] = {}
RULES = ("published", "ascent", "searched")


def separable(size: int, seed: int, constant: float = 0.4) -> tuple[Quadratic, torch.Tensor, torch.Tensor]:
    """A convex separable quadratic, a point, and the gradient there."""
    generator = torch.Generator().manual_seed(seed)
    g, x = torch.randn(2, size, generator=generator).double()
    h = torch.rand(size, generator=generator).double() * 5
    return Quadratic(g, h, constant + 10.0), x, g + h * x


def tiny_network(seed: int) -> NetworkObjective:
    """12 parameters, 20 examples, float64."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)).double()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator).double()
    inputs = torch.randn(20, 2, generator=generator).double()
    network = NetworkObjective(model, inputs, (inputs[:, 0] > 0).long(), chunk=7)
    TINY_INPUTS[network] = inputs
    return network


def tiny_losses(network: NetworkObjective, points: torch.Tensor) -> torch.Tensor:
    """The tiny network's loss at many points, shape `(m, 12)`, written out."""
    first, bias, second, shift = points.split([4, 2, 4, 2], 1)
    hidden = torch.einsum("ni,mhi->mnh", TINY_INPUTS[network], first.view(-1, 2, 2)) + bias[:, None]
    logits = torch.einsum("mnh,mch->mnc", hidden.relu(), second.view(-1, 2, 2)) + shift[:, None]
    labels = (TINY_INPUTS[network][:, 0] > 0).long().expand(len(points), -1)
    return -logits.log_softmax(2).gather(2, labels[..., None]).mean((1, 2))


class Changed:
    """An objective with another value and gradient at each point."""

    def __init__(self, inner, change):
        self.size, self.dtype = inner.size, inner.dtype
        self._inner, self._change = inner, change

    def value_and_grad(self, point):
        return self._change(*self._inner.value_and_grad(point))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("eps", [1e-3, 5e-4, 0.3])
def test_sharpness_of_a_separable_convex_quadratic_is_the_closed_form(rule, eps):
    f, x, g = separable(30, 1)
    b = eps * (x.abs() + 1)
    rise = (g.abs() * b + f.hessian * b * b / 2).sum().item()
    found = sharpness(f, x, eps, rule=rule)
    assert found.value == pytest.approx(100 * rise / (1 + f.value(x)), rel=1e-9)
    assert found.loss == f.value(x)
    assert found.maximum == pytest.approx(f.value(x) + rise, rel=1e-12)
    assert found.fraction_on_bound == 1.0
    assert found.status is Status.CONVERGED


@pytest.mark.parametrize(("given", "eps"), [({}, 1e-3), ({"eps": 0.05}, 0.05)])
def test_adaptive_sharpness_of_a_separable_convex_quadratic_is_the_closed_form(given, eps):
    f, x, slope = separable(40, 3)
    width = eps * x.abs()
    rise = (slope.abs() * width + f.hessian * width**2 / 2).sum().item()
    assert adaptive_sharpness(f, x, **given).value == pytest.approx(100 * rise / (1 + f.value(x)), rel=1e-9)


def test_adaptive_sharpness_costs_its_budget_which_by_default_is_60():
    f = tiny_network(0)
    by_default, stated, short = (
        adaptive_sharpness(f, f.start, 0.1, **given) for given in ({}, {"budget": 60}, {"budget": 20})
    )
    assert by_default == stated
    assert (by_default.cost, short.cost) == (60, 20)


def test_the_seed_of_adaptive_sharpness_draws_where_a_search_without_a_gradient_begins():
    f, x = Quadratic(-torch.ones(6), torch.ones(6), 10.0), torch.ones(6)
    by_default, first, second, again = (
        adaptive_sharpness(f, x, 0.4, **given) for given in ({}, {"seed": 0}, {"seed": 1}, {"seed": 1})
    )
    assert by_default == first
    assert second == again
    assert first.histories != second.histories


def test_sharpness_is_in_percent_of_one_plus_the_loss():
    f = Quadratic(torch.tensor([1.0]), torch.tensor([0.0]), 3.0)
    assert sharpness(f, torch.zeros(1), 0.5).value == pytest.approx(100 * 0.5 / 4.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_search_equals_an_exhaustive_search_of_all_corners_of_a_convex_function(seed):
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(10, 10, generator=generator).double()
    f = Quadratic(torch.randn(10, generator=generator), a @ a.T, 1.0)
    x = torch.randn(10, generator=generator).double()
    box = keskar_box(x, 0.2)
    corners = [box.inside(torch.tensor(signs).double()) for signs in itertools.product((-1, 1), repeat=10)]
    exact = max(f.value(corner) for corner in corners)
    assert sharpness(f, x, 0.2, budget=120).maximum == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("eps", [1e-3, 0.05])
def test_the_search_in_a_tiny_network_is_as_good_as_all_its_corners(seed, eps):
    f = tiny_network(seed)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0]).double()] * 12)
    highest = tiny_losses(f, f.start + signs * eps * (f.start.abs() + 1)).max().item()
    assert sharpness(f, f.start, eps).maximum >= highest * (1 - 1e-9)


def test_the_search_in_a_tiny_network_is_as_good_as_differential_evolution():
    f = tiny_network(1)
    box = keskar_box(f.start, 0.4)
    bounds = list(zip(box.lower.tolist(), box.upper.tolist(), strict=True))
    other = differential_evolution(
        lambda points: -tiny_losses(f, torch.from_numpy(points.T)).numpy(),
        bounds,
        seed=0,
        maxiter=300,
        polish=False,
        vectorized=True,
        updating="deferred",
    )
    assert sharpness(f, f.start, 0.4).maximum >= -other.fun * (1 - 1e-3)


def test_default_tolerances_make_the_published_search_fail_where_ours_does_not():
    f = Quadratic(torch.full((50,), 1e-6), torch.full((50,), 200.0), 0.0)
    x = torch.zeros(50)
    trapped = sharpness(f, x, rule="published", tolerances=SCIPY_TOLERANCES)
    assert (trapped.status, trapped.iterations) == (Status.FAILED, 0)
    assert math.isnan(trapped.value)
    assert "PGTOL" in trapped.reason
    free = sharpness(f, x, rule="published")
    assert free.value == pytest.approx(100 * 50 * (1e-9 + 100 * 1e-6), rel=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("curvature", [0.0, 1.0, 1e5])
def test_a_gradient_of_the_wrong_sign_is_failed_and_never_a_zero(rule, curvature):
    generator = torch.Generator().manual_seed(0)
    f = Quadratic(torch.randn(20, generator=generator), torch.full((20,), curvature), 0.5)
    right = sharpness(f, torch.zeros(20), rule=rule)
    wrong = sharpness(Changed(f, lambda value, g: (value, -g)), torch.zeros(20), rule=rule)
    assert right.status is Status.CONVERGED
    assert wrong.status is Status.FAILED
    assert math.isnan(wrong.value)
    assert not wrong.usable


@pytest.mark.parametrize("rule", ["published", "ascent"])
def test_a_search_without_an_iteration_is_failed_where_the_searched_rule_finds_the_maximum(rule):
    f = Quadratic(torch.zeros(6), torch.full((6,), 4.0), 0.0)
    stuck, searched = (sharpness(f, torch.zeros(6), 0.1, rule=each) for each in (rule, "searched"))
    assert (stuck.status, stuck.iterations) == (Status.FAILED, 0)
    assert searched.value == pytest.approx(100 * 6 * 4 * 0.01 / 2)


@pytest.mark.parametrize("rule", RULES)
def test_a_function_that_never_rises_is_failed_for_it_looks_like_a_search_that_never_moved(rule):
    flat = Quadratic(torch.zeros(3), torch.zeros(3), 1.0)
    assert sharpness(flat, torch.ones(3), rule=rule).status is Status.FAILED


@pytest.mark.parametrize("rule", RULES)
def test_a_loss_that_is_not_finite_is_diverged(rule):
    f, x, _ = separable(4, 0)
    at_x = sharpness(Changed(f, lambda _, g: (math.nan, g)), x, rule=rule)
    inside = sharpness(Changed(f, lambda v, g: (v if v <= f.value(x) else math.inf, g)), x, rule=rule)
    for found in (at_x, inside):
        assert found.status is Status.DIVERGED
        assert math.isnan(found.value)


def test_the_error_bar_is_the_disagreement_of_the_two_searches():
    f = tiny_network(2)
    found = sharpness(f, f.start, 0.4)
    quick, signs = (history[-1] for history in found.histories)
    assert found.residual == pytest.approx(100 * abs(quick - signs) / (1 + found.loss))
    assert found.maximum == max(quick, signs)
    assert [sharpness(f, f.start, 0.4, rule=rule).residual for rule in ("published", "ascent")] == [None, None]


def test_sign_ascents_alone_find_no_more_than_with_lbfgsb_beside_them():
    f = tiny_network(2)
    alone, both = (sharpness(f, f.start, 0.4, rule=rule, budget=b) for rule, b in (("ascent", 45), ("searched", 60)))
    assert len(alone.histories) == 1
    assert "L-BFGS-B" not in alone.reason
    assert alone.histories[0] == both.histories[1][: len(alone.histories[0])]
    assert alone.maximum <= both.maximum


@pytest.mark.parametrize("rule", ["searched", "ascent"])
@pytest.mark.parametrize("budget", [8, 20, 60])
def test_a_search_costs_its_budget_and_says_so(rule, budget):
    f = tiny_network(0)
    calls = []
    counted = Changed(f, lambda value, g: calls.append(value) or (value, g))
    found = sharpness(counted, f.start, 0.1, rule=rule, budget=budget)
    assert len(calls) == found.evaluations == found.cost == budget
    assert found.maximum == max(calls)


def test_the_highest_point_is_in_the_box_and_has_the_value_reported():
    f = tiny_network(3)
    found = sharpness(f, f.start, 0.2)
    assert f.value(f.start + found.displacement) == pytest.approx(found.maximum, rel=1e-12)
    assert (found.displacement.abs() <= 0.2 * (f.start.abs() + 1) * (1 + 1e-12)).all()


def test_the_same_seed_gives_the_same_measurement():
    f = tiny_network(3)
    assert sharpness(f, f.start, 0.2, seed=5) == sharpness(f, f.start, 0.2, seed=5)


def test_a_random_start_is_another_search_of_the_same_box():
    f = tiny_network(0)
    at_x, elsewhere, again = (
        sharpness(f, f.start, 0.2, rule="published", start=start, seed=1) for start in ("x", "random", "random")
    )
    assert elsewhere == again
    assert elsewhere.histories != at_x.histories


def test_more_iterations_of_the_published_rule_never_find_less():
    f = tiny_network(2)
    few, many = (sharpness(f, f.start, 0.3, rule="published", iterations=k) for k in (2, 10))
    assert few.iterations == 2
    assert many.maximum >= few.maximum


@pytest.mark.parametrize(("seed", "eps", "least", "most"), [(0, 0.3, -0.01, 0.01), (3, 2.0, 0.4, 0.5)])
def test_a_search_is_checked_by_one_ten_times_as_long(seed, eps, least, most):
    f = tiny_network(seed)
    check = check_search(f, f.start, eps, budget=20)
    assert (check.short.cost, check.long.cost) == (20, 200)
    assert least < check.shortfall < most  # the second box has more maxima than twenty gradients find
    assert check.shortfall == 1 - check.short.value / check.long.value


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"eps": -1.0}, "eps=-1.0"),
        ({"rule": "guessed"}, "rule='guessed'"),
        ({"start": "y"}, "start='y'"),
        ({"budget": 3}, "budget=3"),
        ({"iterations": 0}, "iterations=0"),
        ({"x": torch.zeros(2)}, r"shape \(2,\)"),
        ({"x": torch.full((3,), torch.nan)}, "not finite"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_names_it(change, named):
    arguments = {"objective": Quadratic(torch.ones(3), torch.ones(3)), "x": torch.ones(3)} | change
    with pytest.raises(UsageError, match=named):
        sharpness(**arguments)


@pytest.mark.parametrize("measure", [sharpness, adaptive_sharpness])
def test_a_point_with_a_graph_is_measured_like_one_without(measure):
    f, x, _ = separable(10, 5)
    assert measure(f, x.clone().requires_grad_()) == measure(f, x)


@pytest.mark.parametrize("measure", [sharpness, adaptive_sharpness])
def test_a_box_that_rounding_makes_a_point_is_refused(measure):
    model = nn.Linear(2, 2)
    f = NetworkObjective(model, torch.ones(4, 2), torch.tensor([0, 1, 0, 1]))
    with pytest.raises(UsageError, match=r"the box is a point in torch.float32; take a larger eps"):
        measure(f, f.start, 1e-10)


@pytest.mark.parametrize("measure", [sharpness, adaptive_sharpness])
def test_a_budget_in_which_no_search_can_begin_is_refused(measure):
    f, x, _ = separable(10, 5)
    with pytest.raises(UsageError, match="budget=7 must be at least 8 gradients"):
        measure(f, x, budget=7)


def test_a_loss_of_minus_one_has_no_sharpness():
    with pytest.raises(UsageError, match="must exceed -1"):
        sharpness(Quadratic(torch.ones(3), torch.ones(3), -1.0), torch.zeros(3))


@pytest.mark.parametrize("bad", [Status.FAILED, Status.DIVERGED])
def test_one_search_that_failed_leaves_no_error_bar_and_so_no_value(bad):
    f, x, _ = separable(4, 0)
    box = keskar_box(x, 0.1)

    def one_of_two(objective, box, x):
        found = searched(objective, box, x, budget=20)
        return found._replace(searches=(replace(found.searches[0], status=bad), found.searches[1]))

    found = sharpness_in_box(f, x, box, one_of_two)
    assert found.status is bad
    assert math.isnan(found.value)
    assert found.residual is None
    assert found.maximum == sharpness(f, x, 0.1).maximum

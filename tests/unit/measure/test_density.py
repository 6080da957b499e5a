from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from repro.errors import UsageError
from repro.measure.curvature.density import Density, density
from repro.measure.curvature.eigenpairs import eigenpairs
from repro.measure.curvature.operator import CurvatureOperator
from repro.measure.quadratic import Quadratic

SIZE = 120


def values_of(seed: int = 0) -> torch.Tensor:
    """A bulk near zero and five outliers, as networks have them."""
    bulk = torch.randn(SIZE - 5, generator=torch.Generator().manual_seed(seed)).double() * 0.1
    return torch.cat([bulk, torch.tensor([20.0, 12.0, 9.0, 5.0, -3.0]).double()])


def operator_of(values: torch.Tensor) -> CurvatureOperator:
    f = Quadratic.with_spectrum(values, torch.Generator().manual_seed(0))
    return CurvatureOperator(f, torch.zeros(f.size))


def distance(found: Density, exact: torch.Tensor) -> float:
    """Wasserstein-1 to the exact spectrum, as a fraction of the largest eigenvalue."""
    nodes = torch.cat([*found.nodes, found.outliers])
    per_probe = torch.cat(found.weights) / len(found.nodes)
    weights = torch.cat([per_probe, torch.full_like(found.outliers, 1 / found.size)])
    return wasserstein_distance(nodes.numpy(), exact.numpy(), weights.clamp(min=0).numpy()) / exact.max().item()


def test_the_quadratures_have_the_moments_of_their_probes():
    exact = values_of()
    operator = operator_of(exact)
    found = density(operator, probes=1, steps=4)
    power = found.nodes[0][None, :] ** torch.arange(8)[:, None]
    moments = power @ found.weights[0]
    again = density(operator, probes=1, steps=40)
    longer = (again.nodes[0][None, :] ** torch.arange(8)[:, None]) @ again.weights[0]
    assert torch.allclose(moments, longer, rtol=1e-9)
    assert moments[0] == pytest.approx(1)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("deflated", [0, 4])
def test_moments_lie_within_their_error_bars(order, deflated):
    exact = values_of()
    operator = operator_of(exact)
    pairs = eigenpairs(operator, deflated, tol=1e-10) if deflated else None
    found = density(operator, probes=40, steps=10, pairs=pairs).moment(order)
    assert abs(found.value - (exact**order).mean().item()) < 4 * found.error


def test_all_weights_add_up_to_one():
    operator = operator_of(values_of())
    found = density(operator, probes=3, steps=20, pairs=eigenpairs(operator, 3))
    assert found.moment(0) == pytest.approx((1.0, 0.0), abs=1e-12)


def test_taking_out_the_outliers_brings_the_density_closer_for_fewer_products():
    exact = values_of()
    operator = operator_of(exact)
    plain = density(operator, probes=10, steps=20)
    pairs = eigenpairs(operator, 5, tol=1e-8)
    deflated = density(operator, probes=2, steps=20, pairs=pairs)
    assert deflated.products + pairs.products < plain.products / 2
    assert distance(deflated, exact) < distance(plain, exact)


def test_what_lies_near_zero_and_what_lies_far_are_counted():
    exact = values_of()
    operator = operator_of(exact)
    found = density(operator, probes=30, steps=SIZE, pairs=eigenpairs(operator, 4, tol=1e-10))
    near = found.fraction_near_zero(1.0)
    assert abs(near.value - (SIZE - 5) / SIZE) < 4 * near.error + 1e-9
    above = found.count_above(1.0)
    assert above.value == pytest.approx(4)
    assert above.error == pytest.approx(0, abs=1e-9)


def test_a_repeated_eigenvalue_has_all_its_weight():
    exact = torch.cat([torch.ones(30), torch.full((10,), 3.0)]).double()
    found = density(operator_of(exact), probes=200, steps=10)
    assert [len(nodes) for nodes in found.nodes] == [2] * 200
    assert abs(found.moment(1).value - 1.5) < 4 * found.moment(1).error


def test_the_smoothed_curve_has_the_area_one_and_the_outliers_stand_in_it():
    exact = values_of()
    operator = operator_of(exact)
    found = density(operator, probes=4, steps=30, pairs=eigenpairs(operator, 4, tol=1e-10))
    at = torch.linspace(-10, 30, 4001).double()
    curve, error = found.curve(at, 0.2)
    assert torch.trapezoid(curve, at).item() == pytest.approx(1, abs=1e-6)
    assert (error >= 0).all()
    peak = curve[(at - 20).abs() < 0.01].max().item()
    assert peak == pytest.approx(1 / SIZE / (0.2 * (2 * torch.pi) ** 0.5), rel=1e-3)


def test_the_standard_error_is_that_of_the_probes():
    found = density(operator_of(values_of()), probes=5, steps=10)
    samples = [float(nodes @ weights) for nodes, weights in zip(found.nodes, found.weights, strict=True)]
    assert found.moment(1) == pytest.approx((np.mean(samples), np.std(samples, ddof=1) / 5**0.5))


def test_the_probes_are_those_of_the_seed():
    operator = operator_of(values_of())
    one, same, other = (density(operator, probes=1, steps=5, seed=seed).nodes[0].tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_all_pairs_leave_no_quadrature():
    operator = CurvatureOperator(Quadratic(torch.zeros(3), torch.tensor([1.0, 2.0, 6.0])), torch.zeros(3))
    found = density(operator, probes=2, pairs=eigenpairs(operator, 3))
    assert found.products == 0
    assert found.moment(1) == pytest.approx((3.0, 0.0))


def test_one_probe_has_no_error_bar():
    found = density(operator_of(values_of()), probes=1, steps=5)
    assert found.moment(1).error != found.moment(1).error
    assert found.curve(torch.zeros(2).double(), 1.0)[1].isnan().all()


def test_one_step_of_one_sign_vector_on_a_diagonal_is_the_mean_eigenvalue():
    exact = values_of()
    operator = CurvatureOperator(Quadratic(torch.zeros(SIZE), exact), torch.zeros(SIZE))
    found = density(operator, probes=1, steps=1)
    assert found.nodes[0].tolist() == pytest.approx([exact.mean().item()])


@pytest.mark.parametrize(("arguments", "named"), [({"probes": 0}, "probes=0"), ({"steps": 0}, "steps=0")])
def test_what_cannot_be_meant_is_an_error_that_names_it(arguments, named):
    with pytest.raises(UsageError, match=named):
        density(operator_of(values_of()), **arguments)


def test_a_width_of_nothing_is_refused():
    found = density(operator_of(values_of()), probes=1, steps=5)
    with pytest.raises(UsageError, match="width=0"):
        found.curve(torch.zeros(1).double(), 0)

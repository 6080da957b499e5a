from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.errors import UsageError
from repro.measure import (
    CurvatureOperator,
    NetworkObjective,
    Quadratic,
    density,
    eigenpairs,
    hutchinson_trace,
    spectrum,
)
from repro.measure.curvature.operator import dense
from repro.measure.measurement import Status

ENGINES = ("lanczos", "eigsh", "pyhessian")


def network(seed: int = 0) -> NetworkObjective:
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    inputs = torch.randn(40, 4, generator=generator)
    return NetworkObjective(model, inputs, torch.randint(0, 3, (40,), generator=generator), chunk=9)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_agrees_with_the_dense_hessian(engine):
    f = network()
    exact = torch.linalg.eigvalsh(dense(CurvatureOperator(f, f.start))).flip(0)
    found = spectrum(f, f.start, k=3, engine=engine, probes=10, steps=15, tol=1e-7)
    assert found.values.tolist() == pytest.approx(exact[:3].tolist(), rel=1e-3)
    assert found.trace.value == pytest.approx(exact.sum().item(), abs=4 * found.trace.residual + 1e-5)
    mean = found.density.moment(1)
    assert abs(mean.value - exact.mean()) < 4 * mean.error
    assert found.engine == engine
    assert found.products > 0


def test_the_trace_is_exact_where_it_can_be_and_has_an_error_bar_elsewhere():
    f = network()
    assert spectrum(f, f.start, k=2, steps=3).trace.status is Status.EXACT
    tanh = NetworkObjective(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), *f.data)
    trace = spectrum(tanh, tanh.start, k=2, steps=3).trace
    assert trace.method == "hutchinson"
    assert trace.deflated == 2
    assert trace.status is Status.ESTIMATED
    assert trace.usable
    assert trace.residual > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_all_that_is_random_is_that_of_the_seed(engine):
    f = network()
    tanh = NetworkObjective(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), *f.data)
    found = [spectrum(tanh, tanh.start, k=1, engine=engine, steps=3, seed=seed) for seed in (1, 1, 2)]
    for numbers in ([each.trace.value for each in found], [each.density.nodes[0].tolist() for each in found]):
        one, same, other = numbers
        assert one == same != other


def test_the_probes_of_trace_and_density_are_those_of_the_seed():
    f = network()
    tanh = NetworkObjective(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), *f.data)
    found = spectrum(tanh, tanh.start, k=1, steps=3, seed=1)
    operator = CurvatureOperator(tanh, tanh.start)
    pairs = eigenpairs(operator, 1, seed=1)
    spread = density(operator, steps=3, pairs=pairs, seed=1)
    assert found.trace.value == pytest.approx(hutchinson_trace(operator, probes=10, pairs=pairs, seed=1).value)
    assert found.density.moment(1) == pytest.approx(spread.moment(1))


def test_the_eigenvalues_stand_apart_in_the_density():
    f = network()
    found = spectrum(f, f.start, k=3, steps=5)
    assert found.density.outliers.tolist() == found.values.tolist()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_tighter_tolerance_takes_more_products(engine):
    f = network()
    loose, tight = (spectrum(f, f.start, k=2, engine=engine, tol=tol, probes=0).products for tol in (1e-1, 1e-6))
    assert loose < tight


def test_pyhessian_knows_no_errors():
    f = network()
    assert spectrum(f, f.start, k=1, engine="pyhessian", steps=2).errors is None
    assert (spectrum(f, f.start, k=1, steps=2).errors >= 0).all()


def test_a_quadratic_has_a_spectrum_too_but_none_by_pyhessian():
    f = Quadratic(torch.zeros(6), torch.arange(6.0))
    found = spectrum(f, torch.zeros(6), k=2, steps=6)
    assert found.values.tolist() == pytest.approx([5.0, 4.0])
    with pytest.raises(UsageError, match="needs a network"):
        spectrum(f, torch.zeros(6), engine="pyhessian")


@pytest.mark.parametrize("size", [1, 4])
def test_few_variables_have_all_their_eigenvalues_by_default_and_these_are_the_density(size):
    f = Quadratic(torch.zeros(size), torch.arange(1.0, size + 1))
    found = spectrum(f, torch.zeros(size))
    assert found.values.tolist() == pytest.approx(list(range(size, 0, -1)))
    assert found.trace.value == pytest.approx(size * (size + 1) / 2)
    assert found.density.moment(0) == pytest.approx((1.0, 0.0))
    assert found.density.count_above(1.5).value == pytest.approx(size - 1)
    assert found.density.curve(torch.tensor([1.0]).double(), 0.1)[0].isfinite().all()


@pytest.mark.parametrize(("size", "found"), [(3, 2), (9, 5)])
def test_scipys_solver_gives_what_it_can_of_few_variables_by_default(size, found):
    f = Quadratic(torch.zeros(size), torch.arange(1.0, size + 1))
    assert len(spectrum(f, torch.zeros(size), engine="eigsh").values) == found


def test_pyhessians_trace_has_as_many_probes_as_are_asked_for_and_ten_at_least():
    f = network()
    for asked, taken in ((3, 10), (12, 12)):
        trace = spectrum(f, f.start, k=1, engine="pyhessian", probes=asked, steps=2).trace
        assert trace.probes == taken
        assert trace.status is Status.ESTIMATED


def test_an_unknown_engine_is_an_error_that_names_it():
    with pytest.raises(UsageError, match="engine='arpack'"):
        spectrum(Quadratic(torch.zeros(2), torch.ones(2)), torch.zeros(2), engine="arpack")


def test_a_spectrum_says_where_eigenvalues_are_lacking():
    f = Quadratic(torch.zeros(3000), torch.linspace(1, 0, 3000))
    found = spectrum(f, torch.zeros(3000), k=5, engine="eigsh", probes=0)
    assert len(found.values) < 5
    assert found.status is Status.BUDGET
    assert spectrum(f, torch.zeros(3000), k=1, tol=0.1, probes=0).status is Status.CONVERGED  # control

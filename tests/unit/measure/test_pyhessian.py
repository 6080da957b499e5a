"""PyHessian agrees with dense truth, and each guard around it is needed: without it the same call goes wrong."""

from __future__ import annotations

import gc
import importlib
import warnings
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from repro.errors import DataError, UsageError
from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.curvature.pyhessian import PyHessian
from repro.measure.objective import NetworkObjective

bare = importlib.import_module("pyhessian.hessian").hessian


def network(seed: int = 0, **settings) -> NetworkObjective:
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3))
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator)
            tensor.data = drawn.abs() + 0.5 if name.endswith("running_var") else drawn
    inputs = torch.randn(31, 4, generator=generator)
    labels = torch.randint(0, 3, (31,), generator=generator)
    return NetworkObjective(model, inputs, labels, **settings)


def exact_values(f: NetworkObjective) -> torch.Tensor:
    double = NetworkObjective(f.model.double(), *f.data)
    values = torch.linalg.eigvalsh(dense(CurvatureOperator(double, double.start))).flip(0)
    f.model.float()
    return values


def unfenced(f: NetworkObjective, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bare(f.model, nn.CrossEntropyLoss(), data=f.data, cuda=False, **settings)


def test_its_eigenvalues_are_those_of_the_dense_hessian():
    f = network()
    found = PyHessian(f, f.start, chunk=7).eigenvalues(3, tol=1e-8, iterations=5000)
    assert found.tolist() == pytest.approx(exact_values(f)[:3].tolist(), rel=1e-3)


def test_of_some_parameters_it_sees_those_alone():
    f = network(parameters=["0.weight", "4.bias"])
    exact = torch.linalg.eigvalsh(dense(CurvatureOperator(f, f.start))).flip(0).double()
    found = PyHessian(f, f.start, chunk=7).eigenvalues(2, tol=1e-8, iterations=5000)
    assert found.tolist() == pytest.approx(exact[:2].tolist(), rel=1e-3)
    assert found[0] != pytest.approx(exact_values(network())[0].item(), rel=1e-2)  # control: all parameters


def test_its_trace_lies_within_its_standard_error_of_the_dense_one():
    f = network()
    found = PyHessian(f, f.start, chunk=7).trace(probes=200)
    assert found.probes == 200
    assert abs(found.value - exact_values(f).sum()) < 4 * found.residual


def test_four_times_the_probes_halve_the_standard_error():
    f = network()
    few, many = (PyHessian(f, f.start, chunk=7).trace(probes=probes).residual for probes in (100, 400))
    assert few / many == pytest.approx(2, rel=0.2)


def test_the_standard_error_of_two_probes_is_half_their_distance():
    f = network()
    first, both = (PyHessian(f, f.start).trace(probes=probes, seed=3) for probes in (1, 2))
    assert both.residual == pytest.approx(abs(both.value - first.value))


def test_a_loss_near_zero_keeps_its_hessian():
    inputs = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    inputs[:, 0] = inputs[:, 0].sign() * 10.5
    model = nn.Linear(4, 2, bias=False)
    model.weight.data = torch.tensor([[-1.0, 0.01, 0.02, 0.0], [1.0, 0.0, -0.01, 0.01]])
    f = NetworkObjective(model, inputs, (inputs[:, 0] > 0).long())
    assert f.value(f.start) < 1e-8
    found = PyHessian(f, f.start).eigenvalues(1, tol=1e-8, iterations=1000)
    assert found.item() == pytest.approx(exact_values(f)[0].item(), rel=1e-4)


def test_its_density_has_the_moments_of_the_dense_spectrum():
    f = network()
    found = PyHessian(f, f.start, chunk=7).density(probes=20, steps=10)
    assert found.moment(0).value == pytest.approx(1, abs=1e-5)
    first = found.moment(1)
    assert abs(first.value - exact_values(f).mean()) < 4 * first.error


def test_the_products_are_counted():
    f = network()
    other = PyHessian(f, f.start)
    assert other.density(probes=2, steps=5).products == other.products == 10


def test_it_measures_at_the_point_given():
    f = network()
    moved = network()
    torch.nn.utils.vector_to_parameters(f.start + 0.2, moved.model.parameters())
    here, there = PyHessian(f, f.start + 0.2).trace(probes=3), PyHessian(moved, moved.start).trace(probes=3)
    assert here.value == pytest.approx(there.value, rel=1e-5)


def test_the_model_keeps_its_mode_and_gradients_and_bare_pyhessian_changes_both():
    f = network()
    f.model.train()
    for parameter in f.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    PyHessian(f, f.start).eigenvalues(1)
    assert f.model.training
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in f.model.parameters())
    assert all(parameter.requires_grad for parameter in f.model.parameters())
    unfenced(f).eigenvalues(1)
    assert not f.model.training
    assert all(parameter.grad is None for parameter in f.model.parameters())


def test_two_objects_on_one_model_do_not_add_up_as_they_do_bare():
    f = network()
    first = PyHessian(f, f.start).eigenvalues(1, tol=1e-7, iterations=2000)
    second = PyHessian(f, f.start).eigenvalues(1, tol=1e-7, iterations=2000)
    assert first.item() == pytest.approx(second.item())
    torch.manual_seed(0)
    unfenced(f)
    doubled = unfenced(f).eigenvalues(tol=1e-7, maxIter=2000)[0][0]
    assert doubled == pytest.approx(2 * first.item(), rel=1e-3)


def test_the_density_runs_though_torch_has_no_eig_and_torch_stays_without():
    f = network()
    assert PyHessian(f, f.start).density(steps=5).nodes[0].shape == (5,)
    with pytest.raises(RuntimeError, match="eig"):
        unfenced(f).density(iter=5)
    module = importlib.import_module("pyhessian.hessian")
    assert module.torch is torch


def test_the_density_takes_no_more_steps_than_variables():
    f = network(parameters=["4.bias"])
    found = PyHessian(f, f.start).density(steps=60)
    assert len(found.nodes[0]) == 3


def test_a_negative_trace_takes_all_probes_where_bare_pyhessian_stops_after_two():
    concave = nn.Linear(4, 3)  # under the loss with its sign turned: no probe is positive
    f = NetworkObjective(concave, *network().data, loss=lambda z, y: -F.cross_entropy(z, y, reduction="none"))
    found = PyHessian(f, f.start).trace(probes=50)
    assert found.value < 0
    assert found.probes == 50
    negative = bare(concave, lambda z, y: -F.cross_entropy(z, y), dataloader=[f.data], cuda=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(negative.trace(maxIter=50)) == 2


def test_the_eigenvalues_are_sorted_by_value():
    f = network()
    found = PyHessian(f, f.start).eigenvalues(6, iterations=2)
    assert found.tolist() == sorted(found.tolist(), reverse=True)


def test_parameters_that_are_not_used_or_not_curved_have_no_part_and_no_error():
    f = network()
    f.model.register_parameter("idle", nn.Parameter(torch.ones(2)))
    values = PyHessian(NetworkObjective(f.model, *f.data), torch.cat([torch.ones(2), f.start])).eigenvalues(1)
    assert values.item() > 0
    f.model.zero_grad()
    with pytest.raises((AssertionError, RuntimeError)):
        unfenced(f).eigenvalues(1)


def test_parameters_that_it_does_not_see_have_their_place_in_the_density():
    f = network()
    f.model.register_parameter("idle", nn.Parameter(torch.ones(110)))
    wide = NetworkObjective(f.model, *f.data)
    found = PyHessian(wide, wide.start).density(probes=4)
    assert found.moment(0).value == pytest.approx(1, abs=1e-5)
    few = PyHessian(wide, wide.start).density(probes=4).count_above(1e-3)
    assert few.value < wide.size - 110
    assert found.fraction_near_zero(1e-3).value > 110 / wide.size


def test_the_global_generator_is_given_back_and_the_seed_decides():
    f = network()
    before = torch.get_rng_state()
    one, same, other = (PyHessian(f, f.start).trace(probes=3, seed=seed).value for seed in (1, 1, 2))
    assert one == same != other
    assert torch.equal(torch.get_rng_state(), before)


def test_the_copy_is_let_go_afterwards():
    f = network()
    other = PyHessian(f, f.start)
    other.eigenvalues(1)
    copied = weakref.ref(other._solver.model)
    del other
    gc.collect()
    assert copied() is None


def test_no_machine_with_a_gpu_is_needed():
    f = network()
    assert PyHessian(f, f.start).eigenvalues(1).shape == (1,)
    with pytest.raises((AssertionError, RuntimeError)):
        bare(f.model, nn.CrossEntropyLoss(), data=f.data)


def test_batch_statistics_are_refused():
    f = network(batchnorm="batch")
    with pytest.raises(UsageError, match="batchnorm='batch'"):
        PyHessian(f, f.start)


def test_a_loss_without_curvature_is_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    f = NetworkObjective(model, torch.ones(3, 2), torch.zeros(3, dtype=torch.int64), loss=lambda z, _: z.sum(1))
    with pytest.raises(UsageError, match="linear in every parameter"):
        PyHessian(f, f.start)


def test_a_density_counts_its_own_products_alone():
    f = network()
    other = PyHessian(f, f.start)
    other.eigenvalues(1, iterations=3)
    before = other.products
    assert before > 0
    assert other.density(probes=2, steps=5).products == 10 == other.products - before


def test_a_loss_that_is_not_finite_is_refused():
    f = network()
    f.data[0][3] = torch.nan
    with pytest.raises(DataError, match="the loss at x is nan; a Hessian needs a finite one"):
        PyHessian(f, f.start)


def test_attention_has_a_hessian_and_gradients_may_be_off():
    model = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), nn.Flatten(), nn.Linear(12, 3))
    inputs, labels = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0)), torch.arange(5) % 3
    f = NetworkObjective(model, inputs, labels)
    with torch.no_grad():
        found = PyHessian(f, f.start).eigenvalues(1, tol=1e-6, iterations=1000)
    assert found.item() == pytest.approx(exact_values(f)[0].item(), rel=1e-2)


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda h: h.eigenvalues(0), "k=0 must lie between 1 and"),
        (lambda h: h.eigenvalues(99), "k=99 must lie between 1 and"),
        (lambda h: h.eigenvalues(1, tol=-1.0), "tol=-1.0 must be positive"),
        (lambda h: h.trace(probes=0), "probes=0 must be at least 1"),
        (lambda h: h.density(probes=-1), "probes=-1 and steps=100 must both"),
        (lambda h: h.density(steps=0), "probes=1 and steps=0 must both"),
    ],
)
def test_what_cannot_be_meant_is_refused(ask, named):
    f = network()
    with pytest.raises(UsageError, match=named):
        ask(PyHessian(f, f.start))

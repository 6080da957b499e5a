from __future__ import annotations

import pytest
import torch
from scipy.sparse.linalg import aslinearoperator
from torch import nn
from torch.func import functional_call

from repro.errors import DataError, UsageError
from repro.measure.curvature import eigenpairs as module
from repro.measure.curvature.eigenpairs import eigenpairs
from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.flat import unflatten
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective
from repro.measure.quadratic import Quadratic

SOLVERS = ("lanczos", "eigsh")


def spectrum_of(values: torch.Tensor, seed: int = 0) -> CurvatureOperator:
    """The Hessian of a quadratic with these eigenvalues in random directions."""
    f = Quadratic.with_spectrum(values, torch.Generator().manual_seed(seed))
    return CurvatureOperator(f, torch.zeros(f.size))


def task_of(operator: CurvatureOperator, k: int) -> module._Task:
    """Its k largest eigenvalues, to a millionth."""
    return module._Task(operator, k, 1, 1e-6, *(torch.Generator().manual_seed(seed) for seed in range(2)))


def network(seed: int = 0, *, chunk: int = 7, double: bool = True, tanh: bool = False) -> NetworkObjective:
    """About a hundred parameters with BatchNorm and an uneven last chunk."""
    generator = torch.Generator().manual_seed(seed)
    bend = nn.Tanh() if tanh else nn.ReLU()
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), bend, nn.Linear(8, 3))
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.is_floating_point():
            tensor.data = torch.randn(tensor.shape, generator=generator) * 0.7
    model[1].running_var = torch.rand(8, generator=generator) + 0.5
    inputs = torch.randn(30, 5, generator=generator)
    labels = torch.randint(0, 3, (30,), generator=generator)
    return NetworkObjective(model.double() if double else model, inputs, labels, chunk=chunk)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("end", "expected"), [("largest", [7.0, 5.0, 1.0]), ("smallest", [-9.0, -2.0, -1.0])])
def test_the_ends_of_a_known_spectrum_are_found_by_sign_and_not_by_magnitude(solver, end, expected):
    values = torch.cat([torch.tensor([7.0, 5.0, -9.0, -2.0]), torch.linspace(-1, 1, 36)])
    found = eigenpairs(spectrum_of(values), 3, end=end, solver=solver, tol=1e-10)
    assert found.values.tolist() == pytest.approx(expected, rel=1e-9)
    assert found.status is Status.CONVERGED
    assert found.converged.all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_residuals_are_those_of_the_pairs_returned(solver):
    operator = spectrum_of(torch.linspace(0, 1, 60).square() * 10)
    found = eigenpairs(operator, 4, tol=1e-4, solver=solver)
    for value, vector, residual in zip(found.values, found.vectors, found.residuals, strict=True):
        assert vector.norm() == pytest.approx(1)
        assert (operator.product(vector) - value * vector).norm() == pytest.approx(residual.item(), abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6])
def test_an_eigenvalue_lies_within_the_residual_of_every_value(seed, tol):
    values = torch.randn(80, generator=torch.Generator().manual_seed(seed)).double()
    found = eigenpairs(spectrum_of(values, seed), 5, tol=tol, seed=seed)
    nearest = (found.values[:, None] - values).abs().min(1).values
    assert (nearest <= found.residuals + 1e-10).all()


@pytest.mark.parametrize("seed", range(5))
def test_no_value_is_farther_off_than_its_error_says(seed):
    values = torch.randn(80, generator=torch.Generator().manual_seed(seed)).double().sort(descending=True).values
    found = eigenpairs(spectrum_of(values, seed), 5, tol=1e-6, seed=seed)
    assert ((found.values - values[:5]).abs() <= found.errors + 1e-10).all()
    assert (found.errors <= found.residuals).all()


@pytest.mark.parametrize("matrix", ["hessian", "ggn"])
@pytest.mark.parametrize("tanh", [False, True])
def test_a_networks_eigenvalues_are_those_of_its_dense_matrix(matrix, tanh):
    f = network(tanh=tanh)
    operator = CurvatureOperator(f, f.start, matrix=matrix)
    exact = torch.linalg.eigvalsh(dense(operator))
    for end, wanted in (("largest", exact.flip(0)[:6]), ("smallest", exact[:1])):
        assert eigenpairs(operator, len(wanted), end=end, tol=1e-10).values.tolist() == pytest.approx(
            wanted.tolist(), abs=1e-9
        )


def missed(tol: float) -> int:
    """For how many of ten start vectors the five largest of eight close outliers are not the values found."""
    outliers = torch.tensor([10.0, 5.0, 4.0, 1.2, 1.15, 1.1, 1.05, 1.0])
    operator = spectrum_of(torch.cat([outliers, torch.linspace(-0.1, 0.6, 192)]))
    found = [eigenpairs(operator, 5, tol=tol, seed=seed).values for seed in range(10)]
    return sum(bool(((values - outliers[:5]).abs() > 2 * tol * 10).any()) for values in found)


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-6])
def test_no_later_eigenvalue_is_taken_for_one_that_comes_up_late(tol):
    assert missed(tol) == 0


def test_a_value_that_still_moves_is_not_taken():
    operator = spectrum_of(torch.exp(-torch.arange(400) / 10.0))
    found = [eigenpairs(operator, 1, tol=0.1, seed=seed).values.item() for seed in range(12)]
    assert min(found) > 0.88


def test_control_a_single_run_takes_the_next_eigenvalue_for_the_repeated_one(monkeypatch):
    operator = spectrum_of(torch.cat([torch.tensor([5.0, 5.0, 3.0]), torch.linspace(-1, 1, 57)]))
    assert eigenpairs(operator, 2).values.tolist() == pytest.approx([5.0, 5.0])
    monkeypatch.setattr(module, "_confirmed", lambda _, known, __: known._replace(complete=True))
    assert eigenpairs(operator, 2).values.tolist() == pytest.approx([5.0, 3.0])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("end", ["largest", "smallest"])
@pytest.mark.parametrize("k", [1, 2, 5, 7])
def test_an_eigenvalue_counts_as_often_as_it_is_repeated(solver, end, k):
    values = torch.cat([torch.tensor([5.0, 5.0, 3.0, 3.0, 3.0, 2.0]), torch.linspace(-1, 1, 54)]).double()
    sign = 1 if end == "largest" else -1
    found = eigenpairs(spectrum_of(sign * values), k, end=end, solver=solver)
    assert found.values.tolist() == pytest.approx((sign * values[:6]).tolist()[:k] + [sign * 1.0] * (k - 6), abs=1e-5)
    assert found.status is Status.CONVERGED
    torch.testing.assert_close(found.vectors @ found.vectors.T, torch.eye(k).double(), rtol=0, atol=1e-8)


def test_a_repeated_eigenvalue_is_not_missed_among_a_million():
    values = torch.linspace(-1, 1, 1_000_000)
    values[:3] = torch.tensor([5.0, 5.0, 4.0])
    operator = CurvatureOperator(Quadratic(torch.zeros(len(values)), values), torch.zeros(len(values)))
    assert eigenpairs(operator, 2).values.tolist() == pytest.approx([5.0, 5.0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_squared_errors_of_several_outputs_have_every_eigenvalue_once_an_output(solver):
    inputs = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    f = NetworkObjective(nn.Linear(6, 4), inputs, torch.zeros(50, 4), loss=lambda z, y: (z - y).square().sum(1))
    operator = CurvatureOperator(f, f.start)
    exact = torch.linalg.eigvalsh(dense(operator)).flip(0)
    found = eigenpairs(operator, 5, solver=solver)
    assert found.values.tolist() == pytest.approx(exact[:5].tolist(), rel=1e-5)
    assert found.converged.all()


def test_the_second_run_costs_a_few_products():
    operator = spectrum_of(torch.cat([torch.tensor([8.0, 4.0, 2.0]), torch.linspace(-0.1, 0.1, 397)]))
    task = task_of(operator, 3)
    first = module._by_lanczos(task, 200)
    before = operator.count
    assert module._confirmed(task, first, 200).complete
    assert operator.count - before <= 5


def test_every_step_of_both_runs_is_an_iteration_and_the_other_products_check_pairs():
    values = torch.cat([torch.tensor([8.0, 4.0, 2.0]), torch.linspace(-0.1, 0.1, 397)])
    own, arpacks = (eigenpairs(spectrum_of(values), 3, solver=solver) for solver in SOLVERS)
    assert own.products == own.iterations > module._by_lanczos(task_of(spectrum_of(values), 3), 200).iterations
    assert arpacks.products == arpacks.iterations + 3


def test_the_residuals_of_pairs_found_again_are_those_of_the_matrix():
    operator = spectrum_of(torch.cat([torch.tensor([10.0, 5.0, 4.0, 1.2, 1.15, 1.1]), torch.linspace(-0.1, 1.0, 194)]))
    found = eigenpairs(operator, 5, tol=1e-2)
    assert found.products == found.iterations + 1  # one pair was found by the second run
    for value, vector, residual in zip(found.values, found.vectors, found.residuals, strict=True):
        assert (operator.product(vector) - value * vector).norm() == pytest.approx(residual.item(), abs=1e-10)


def test_values_that_no_second_run_could_confirm_are_not_said_to_be_all():
    values = torch.cat([torch.tensor([9.0, 8.0]), torch.linspace(-1, 1, 198)])
    enough = eigenpairs(spectrum_of(values), 2).products
    found = eigenpairs(spectrum_of(values), 2, steps=enough - 1)
    assert found.converged.all()
    assert found.status is Status.BUDGET
    assert found.products < enough


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_hessian_of_zeros_has_eigenvalues_of_zero(solver):
    found = eigenpairs(spectrum_of(torch.zeros(30)), 3, solver=solver)
    assert found.values.tolist() == found.errors.tolist() == [0.0, 0.0, 0.0]
    assert found.status is Status.CONVERGED


def test_a_single_variable_has_its_own_eigenvalue():
    found = eigenpairs(spectrum_of(torch.tensor([-3.0])), 1)
    assert (found.values.item(), found.errors.item()) == (pytest.approx(-3.0), 0.0)
    assert found.status is Status.CONVERGED


def test_the_tolerance_is_a_millionth_unless_said_otherwise():
    operator = spectrum_of(torch.linspace(0, 1, 200).square())
    default, same, looser, tighter = (
        eigenpairs(operator, 3, **given).products for given in ({}, {"tol": 1e-6}, {"tol": 1e-4}, {"tol": 1e-8})
    )
    assert looser < default == same < tighter


def test_no_error_exceeds_its_residual_even_where_gaps_are_small():
    found = eigenpairs(spectrum_of(torch.linspace(0, 1, 200)), 5, steps=12)
    assert not found.converged.any()
    assert (found.errors <= found.residuals).all()


@pytest.mark.parametrize("end", ["largest", "smallest"])
def test_a_negative_definite_matrix_has_a_scale_too(end):
    values = -torch.cat([torch.tensor([100.0, 50.0, 1.0, 2.0]), torch.linspace(20, 30, 296)])
    mirrored = {"largest": "smallest", "smallest": "largest"}[end]
    found, positive = eigenpairs(spectrum_of(values), 2, end=end), eigenpairs(spectrum_of(-values), 2, end=mirrored)
    assert found.values.tolist() == pytest.approx((-positive.values).tolist())
    assert found.products == positive.products


def test_a_tiny_matrix_is_a_matrix_scaled():
    values = torch.linspace(0, 1, 60).square().double()
    found, tiny = (eigenpairs(spectrum_of(values * scale), 3) for scale in (1.0, 2.0**-40))
    assert (tiny.values * 2**40).tolist() == pytest.approx(found.values.tolist(), rel=1e-12)
    assert tiny.products == found.products


def test_lanczos_needs_fewer_products_than_arpack():
    f = network()
    fewer, more = (eigenpairs(CurvatureOperator(f, f.start), 3, solver=solver) for solver in SOLVERS)
    assert fewer.products < more.products
    assert fewer.values.tolist() == pytest.approx(more.values.tolist(), rel=1e-5)


def test_every_eigenvalue_of_a_small_matrix_can_be_asked_for():
    values = torch.tensor([3.0, -1.0, 0.5, 0.25])
    found = eigenpairs(spectrum_of(values), 4)
    assert found.values.tolist() == pytest.approx([3.0, 0.5, 0.25, -1.0])
    assert found.products == 4


def test_a_repeated_eigenvalue_is_found_again_once_its_krylov_space_is_used_up():
    found = eigenpairs(spectrum_of(torch.tensor([2.0, 2.0, 1.0, 1.0, 1.0])), 5)
    assert found.values.tolist() == pytest.approx([2.0, 2.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_steps_are_said(solver):
    found = eigenpairs(spectrum_of(torch.linspace(0, 1, 200)), 3, steps=22, tol=1e-12, solver=solver)
    assert found.status is Status.BUDGET
    assert found.converged.sum() < 3


def test_the_smallest_k_steps_give_what_they_have():
    found = eigenpairs(spectrum_of(torch.linspace(0, 1, 50)), 5, steps=3)
    assert len(found.values) == 3
    assert found.status is Status.BUDGET


def test_the_operator_is_scipys_and_counts():
    f = network()
    operator = CurvatureOperator(f, f.start)
    matrix = dense(operator)
    assert operator.count == f.size
    assert torch.allclose(matrix, matrix.T, atol=1e-14)
    v = torch.randn(f.size, 2, dtype=torch.float64)
    assert torch.allclose(torch.from_numpy(aslinearoperator(operator) @ v.numpy()), matrix @ v)
    assert torch.allclose(torch.from_numpy(operator.T @ v[:, 0].numpy()), matrix @ v[:, 0])


@pytest.mark.parametrize("memory", [0, 1, 4e9])
def test_graphs_that_are_kept_change_no_product(memory):
    f = network(double=False)
    v = torch.randn(f.size, dtype=torch.float64)
    operator = CurvatureOperator(f, f.start, memory=memory)
    assert torch.equal(operator.product(v), f.hvp(f.start, v))
    assert torch.equal(operator.product(v), f.hvp(f.start, v))


def test_the_product_is_that_at_the_point_given():
    f = network()
    x = f.start + 0.1
    v = torch.ones(f.size, dtype=torch.float64)
    assert torch.allclose(CurvatureOperator(f, x).product(v), f.hvp(x, v))
    assert not torch.allclose(f.hvp(x, v), f.hvp(f.start, v))


def test_dropout_that_no_mode_switches_off_has_no_hessian_and_torchs_state_is_given_back():
    class Dropping(nn.Linear):
        def forward(self, inputs):
            return nn.functional.dropout(super().forward(inputs), 0.5, training=True)

    f = NetworkObjective(Dropping(5, 3), *network().data)
    before = torch.get_rng_state()
    with pytest.raises(DataError, match="two passes"):
        CurvatureOperator(f, f.start)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_random_loss_has_no_hessian():
    f = network()

    class Noisy(Quadratic):
        def value(self, point):
            return super().value(point) + next(noise)

    noise = iter([0.0, 1e-9])
    with pytest.raises(DataError, match="two passes"):
        CurvatureOperator(Noisy(torch.zeros(3), torch.ones(3)), torch.zeros(3))
    assert f.size


def test_a_loss_that_is_not_finite_has_no_hessian():
    f = network()
    f.data[0][3] = torch.nan
    with pytest.raises(DataError, match="the loss at x is nan; a Hessian needs a finite one"):
        CurvatureOperator(f, f.start)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"k": 0}, "k=0"),
        ({"k": 4, "solver": "eigsh"}, "k=4"),
        ({"tol": 0.0}, "tol=0.0"),
        ({"steps": 0}, "steps=0"),
        ({"end": "top"}, "end='top'"),
        ({"solver": "power"}, "solver='power'"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_names_it(arguments, named):
    with pytest.raises(UsageError, match=named):
        eigenpairs(spectrum_of(torch.arange(4.0)), **arguments)


def test_a_quadratic_has_no_gauss_newton_matrix():
    with pytest.raises(UsageError, match="matrix='ggn'"):
        CurvatureOperator(Quadratic(torch.zeros(2), torch.ones(2)), torch.zeros(2), matrix="ggn")


@pytest.mark.parametrize("x", [torch.zeros(2), torch.full((3,), torch.nan)])
def test_a_point_that_is_none_is_refused(x):
    with pytest.raises(UsageError, match="x of shape"):
        CurvatureOperator(Quadratic(torch.zeros(3), torch.ones(3)), x)


def test_the_gauss_newton_matrix_is_that_of_the_explicit_jacobian():
    f = network(chunk=7)
    model, (inputs, labels) = f.model, f.data

    def logits(x):
        state = dict(zip(f.variables, unflatten(x, list(model.parameters())), strict=True))
        return functional_call(model, {**state, **dict(model.named_buffers())}, (inputs.double(),))

    model.eval()
    jacobian, z = torch.autograd.functional.jacobian(logits, f.start.double()), logits(f.start.double())
    p = z.softmax(1)
    curvature = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    expected = torch.einsum("ncp,ncd,ndq->pq", jacobian, curvature, jacobian) / len(labels)
    found = dense(CurvatureOperator(f, f.start, matrix="ggn"))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_a_product_that_is_not_finite_ends_the_search():
    operator = CurvatureOperator(Quadratic(torch.ones(3), torch.ones(3)), torch.zeros(3))
    operator._multiply = lambda vector: vector * torch.nan
    with pytest.raises(DataError, match="a product with the matrix is not finite"):
        eigenpairs(operator, 1)


def test_a_point_changed_afterwards_does_not_move_the_operator():
    f = network()
    x = f.start.double()
    operator, v = CurvatureOperator(f, x, memory=0), torch.ones(f.size, dtype=torch.float64)
    before = operator.product(v)
    x.mul_(3)
    assert torch.equal(operator.product(v), before)

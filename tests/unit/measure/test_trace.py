from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from repro.errors import UsageError
from repro.measure.curvature.eigenpairs import eigenpairs
from repro.measure.curvature.exact_trace import exact_trace, why_not_exact
from repro.measure.curvature.operator import CurvatureOperator, dense
from repro.measure.curvature.spectrum import spectrum
from repro.measure.curvature.trace import hutchinson_trace, rademacher
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective
from repro.measure.quadratic import Quadratic
from repro.nets.keskar2017 import NETWORKS


def randomised(model: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.data = drawn.abs() + 0.5 if name.endswith("running_var") else drawn * 0.7
    return model.double()


def objective(model: nn.Module, shape: tuple[int, ...], *, seed: int = 0, **settings) -> NetworkObjective:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(17, *shape, generator=generator)
    labels = torch.randint(0, 3, (17,), generator=generator)
    return NetworkObjective(randomised(model, seed), inputs, labels, chunk=5, **settings)


def dense_trace(f: NetworkObjective) -> float:
    return dense(CurvatureOperator(f, f.start)).trace().item()


DENSE = (
    lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)),
    lambda: nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.LeakyReLU(), nn.Linear(6, 3)),
    lambda: nn.Sequential(
        nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, affine=False)), nn.Dropout(), nn.Linear(5, 3)
    ),
)
IMAGES = (
    lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 3)
    ),
    lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3, padding="same", bias=False), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(27, 3)
    ),
    lambda: nn.Sequential(
        nn.Conv2d(2, 4, (3, 2), stride=2, dilation=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ),
)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("build", "shape"), [*((b, (4,)) for b in DENSE), *((b, (2, 6, 6)) for b in IMAGES)])
def test_the_exact_trace_is_that_of_the_dense_hessian(build, shape, seed):
    f = objective(build(), shape, seed=seed)
    found = exact_trace(f, f.start)
    assert found.value == pytest.approx(dense_trace(f), rel=1e-12)
    assert (found.status, found.residual) == (Status.EXACT, 0.0)


def test_only_the_variables_count():
    build = DENSE[1]
    every, some = (objective(build(), (4,), parameters=names) for names in (None, ["1.weight", "3.bias"]))
    assert exact_trace(some, some.start).value == pytest.approx(dense_trace(some), rel=1e-12)
    assert exact_trace(some, some.start).value < exact_trace(every, every.start).value


def test_the_trace_is_taken_at_the_point_given():
    f = objective(DENSE[0](), (4,))
    moved = NetworkObjective(f.model, f._inputs, f._labels)
    x = f.start + 0.3
    value = exact_trace(f, x).value
    torch.nn.utils.vector_to_parameters(x, f.model.parameters())
    assert value == pytest.approx(exact_trace(moved, moved.start).value, rel=1e-12)


@pytest.mark.parametrize("name", ["F1", "C1"])
def test_keskars_networks_qualify(name):
    shape = (1, 4, 4) if name == "F1" else (3, 8, 8)
    f = NetworkObjective(NETWORKS[name](shape, 10), torch.zeros(2, *shape), torch.zeros(2, dtype=torch.int64))
    assert why_not_exact(f) == ""


class Residual(nn.Module):
    def forward(self, x):
        return x * x


@pytest.mark.parametrize(
    ("build", "settings", "reason"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()), {}, "1 is a Tanh"),
        (lambda: nn.Sequential(nn.Linear(4, 3), Residual()), {}, "1 is a Residual"),
        (DENSE[1], {"batchnorm": "batch"}, "batchnorm='batch'"),
        (DENSE[0], {"loss": lambda z, _: z.square().sum(1)}, "the loss is not"),
    ],
)
def test_where_the_trace_is_not_exact_it_is_refused_with_the_reason(build, settings, reason):
    f = objective(build(), (4,), **settings)
    with pytest.raises(UsageError, match=reason):
        exact_trace(f, f.start)


def with_hook(register: str) -> nn.Module:
    model = DENSE[0]()
    getattr(model[0], register)(lambda *_: None)
    return model


def with_a_forward_of_its_own() -> nn.Module:
    model = DENSE[0]()
    model[1].forward = torch.tanh
    return model


def with_a_parameter_more(path: str) -> nn.Module:
    model = DENSE[0]()
    model.get_submodule(path).register_parameter("more", nn.Parameter(torch.ones(2)))
    return model


def weight_normed() -> nn.Module:
    with pytest.warns(FutureWarning):
        return nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 3)))


CHANGED = {
    "a hook": (lambda: with_hook("register_forward_hook"), "0 has hooks"),
    "a hook before": (lambda: with_hook("register_forward_pre_hook"), "0 has hooks"),
    "a forward": (with_a_forward_of_its_own, "1 has hooks, or a forward of its own"),
    "spectral norm": (lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 3))), "0 has hooks"),
    "weight norm": (weight_normed, "0 has hooks"),
    "pruning": (lambda: nn.Sequential(prune.random_unstructured(nn.Linear(4, 3), "weight", 0.5)), "0 has hooks"),
    "a parameter of the whole": (lambda: with_a_parameter_more(""), "the model has parameters"),
    "a parameter of a layer": (lambda: with_a_parameter_more("2"), "2 has parameters"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_layer_that_is_no_longer_what_its_class_says_is_a_reason(case):
    build, reason = CHANGED[case]
    f = objective(build(), (4,))
    assert reason in why_not_exact(f)


def test_several_rows_an_example_are_a_reason_and_the_spectrum_takes_probes():
    f = objective(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(10, 3)), (2, 4))
    assert why_not_exact(f) == "a Linear maps several rows an example"
    found = spectrum(f, f.start, k=2, steps=5, probes=100).trace
    assert abs(found.value - dense_trace(f)) < 4 * found.residual


def test_logits_for_every_pixel_are_a_reason():
    model = randomised(nn.Sequential(nn.Conv2d(2, 4, 1), nn.ReLU(), nn.Conv2d(4, 3, 1)), 0)
    labels = torch.randint(0, 3, (6, 4, 4), generator=torch.Generator().manual_seed(0))
    f = NetworkObjective(model.train(), torch.randn(6, 2, 4, 4, dtype=torch.float64), labels)
    assert why_not_exact(f) == "an example has logits of shape (3, 4, 4), not one for each class"
    assert model.training


@pytest.mark.parametrize("settings", [{"groups": 2}, {"padding": 1, "padding_mode": "circular"}])
def test_convolutions_of_another_kind_are_a_reason(settings):
    model = nn.Sequential(nn.Conv2d(2, 4, 3, **settings), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert why_not_exact(objective(model, (2, 6, 6))) == "0 has groups or a padding of its own"


def test_a_layer_used_again_after_another_is_shared():
    layer = nn.Linear(4, 4)
    f = objective(nn.Sequential(layer, nn.Linear(4, 4), layer, nn.Linear(4, 3)), (4,))
    assert why_not_exact(f) == "2 shares its parameters with another layer"


def test_batchnorms_eps_takes_part():
    f = objective(nn.Sequential(nn.BatchNorm1d(4, eps=1e-3), nn.ReLU(), nn.Linear(4, 3)), (4,))
    assert exact_trace(f, f.start).value == pytest.approx(dense_trace(f), rel=1e-12)


def test_the_exact_trace_costs_a_forward_pass_and_a_backward_pass_for_each_class():
    f = objective(DENSE[0](), (4,))
    assert exact_trace(f, f.start).cost == pytest.approx((1 + 3) / 3)


def test_shared_weights_are_refused_for_there_the_trace_differs():
    layer = nn.Linear(4, 4)
    f = objective(nn.Sequential(layer, nn.ReLU(), layer, nn.Linear(4, 3)), (4,))
    with pytest.raises(UsageError, match="2 shares its parameters"):
        exact_trace(f, f.start)


def test_tanh_has_a_trace_that_the_gauss_newton_part_misses():
    f = objective(nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), (4,))
    hessian, ggn = (dense(CurvatureOperator(f, f.start, matrix=m)).trace() for m in ("hessian", "ggn"))
    assert abs(hessian - ggn) > 1e-3 * ggn


def test_the_exact_trace_leaves_no_trace_in_the_model():
    f = objective(DENSE[1](), (4,))
    f.model.train()
    before = {name: tensor.clone() for name, tensor in f.model.state_dict().items()}
    exact_trace(f, f.start)
    assert all(torch.equal(tensor, before[name]) for name, tensor in f.model.state_dict().items())
    assert f.model.training
    assert not any(module._forward_hooks for module in f.model.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in f.model.parameters())


def test_hutchinson_is_unbiased_and_its_standard_error_is_true():
    f = objective(DENSE[0](), (4,))
    operator, exact = CurvatureOperator(f, f.start), dense_trace(f)
    scores = []
    for seed in range(40):
        found = hutchinson_trace(operator, probes=20, seed=seed)
        scores.append((found.value - exact) / found.residual)
    mean, spread = torch.tensor(scores).mean(), torch.tensor(scores).std()
    assert abs(mean) < 4 / 40**0.5
    assert 0.7 < spread < 1.5


def test_taking_out_the_top_pairs_makes_the_error_smaller():
    values = torch.cat([torch.tensor([100.0, 50.0]), torch.linspace(0, 1, 48)])
    f = Quadratic.with_spectrum(values, torch.Generator().manual_seed(0))
    operator = CurvatureOperator(f, torch.zeros(50))
    plain, deflated = (hutchinson_trace(operator, probes=30, pairs=pairs) for pairs in (None, eigenpairs(operator, 2)))
    assert deflated.residual < plain.residual / 10
    assert deflated.value == pytest.approx(values.sum().item(), abs=5 * deflated.residual)
    assert deflated.deflated == 2


def test_the_standard_error_and_the_cost_are_those_of_the_samples():
    matrix = torch.arange(81.0).view(9, 9).sqrt()
    operator = CurvatureOperator(Quadratic(torch.zeros(9), matrix + matrix.T), torch.zeros(9))
    pairs = eigenpairs(operator, 2)
    (v, w), before = pairs.vectors, operator.count
    found = hutchinson_trace(operator, probes=5, pairs=pairs, seed=3)
    assert found.cost == 3 * (operator.count - before) == 3 * (5 + 2)
    samples = []
    for probe in range(5):
        z = rademacher(9, 3, probe)
        z = z - (z @ v) * v - (z @ w) * w
        samples.append(float(z @ operator.product(z)))
    assert found.residual == pytest.approx(np.std(samples, ddof=1) / 5**0.5)
    assert found.value == pytest.approx(pairs.values.sum().item() + np.mean(samples))


def test_the_probes_are_those_of_the_seed():
    matrix = torch.arange(81.0).view(9, 9).sqrt()
    operator = CurvatureOperator(Quadratic(torch.zeros(9), matrix + matrix.T), torch.zeros(9))
    one, same, other = (hutchinson_trace(operator, probes=3, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_one_probe_has_no_standard_error():
    operator = CurvatureOperator(Quadratic(torch.zeros(2), torch.ones(2)), torch.zeros(2))
    with pytest.raises(UsageError, match="probes=1"):
        hutchinson_trace(operator, probes=1)

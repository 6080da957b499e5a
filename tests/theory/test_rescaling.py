from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.measure.box import Box, keskar_box
from repro.measure.objective import NetworkObjective
from repro.theory import rescaling

EXACT = 1e-9
INCOMING = torch.tensor([True] * 4 + [False] * 2)
"""Of the six parameters: two weights and two biases of the hidden units, and two weights after them."""


def squared_error(outputs: Tensor, labels: Tensor) -> Tensor:
    return (outputs[:, 0] - labels).square() / 2


@st.composite
def networks(
    draw: st.DrawFn, activation: type[nn.Module], units: int = 2, *, aligned: bool = False
) -> NetworkObjective:
    """One input, a few hidden units, one output; a ReLU unit is on for half of the examples.

    Aligned, all weights are positive and all labels zero, so that what two units change does not cancel.
    """
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    model = nn.Sequential(nn.Linear(1, units), activation(), nn.Linear(units, 1, bias=False)).double()
    sizes = torch.rand(3 * units, generator=generator, dtype=torch.float64) + 1
    signs = torch.randint(0, 2, (3 * units,), generator=generator) * 2 - 1
    incoming, bias, outgoing = (sizes if aligned else sizes * signs).split(units)
    model.load_state_dict({"0.weight": incoming[:, None], "0.bias": bias / 4, "2.weight": outgoing[None]})
    half = torch.rand(3, 1, generator=generator, dtype=torch.float64) + 1
    labels = torch.randn(6, generator=generator, dtype=torch.float64)
    labels = torch.zeros_like(labels) if aligned else labels
    return NetworkObjective(model, torch.cat([half, -half]), labels, loss=squared_error)


def diagonal(*factors: float) -> Tensor:
    """d for a factor of each hidden unit."""
    return rescaling.diagonal(torch.tensor(factors, dtype=torch.float64), 1, 1)


def around(x: Tensor) -> Tensor:
    """Several points, shape `(3, p)`."""
    return x * torch.tensor([[0.7], [1.0], [1.6]], dtype=torch.float64)


far_from_one = st.sampled_from([0.01, 0.05, 20.0, 100.0])
of_two_units, of_a_layer = st.builds(diagonal, far_from_one, far_from_one), far_from_one.map(lambda a: diagonal(a, a))
of_one_unit = far_from_one.map(diagonal)

relu, tanh, aligned_relu = networks(nn.ReLU), networks(nn.Tanh, aligned=True), networks(nn.ReLU, aligned=True)
one_relu, one_tanh = networks(nn.ReLU, 1), networks(nn.Tanh, 1, aligned=True)
aligned_unit = networks(nn.ReLU, 1, aligned=True)
radii = st.sampled_from([1e-3, 0.05])


def test_a_factor_multiplies_what_comes_into_its_unit_and_divides_what_leaves_it() -> None:
    d = rescaling.diagonal(torch.tensor([2.0, 4.0]), inputs=3, outputs=2)
    assert d.tolist() == [2, 2, 2, 4, 4, 4, 2, 4, 0.5, 0.25, 0.5, 0.25]


@pytest.mark.holds(rescaling.same_function)
@given(relu, of_two_units)
def test_a_relu_network_is_the_same_function_after_rescaling(f, d) -> None:
    assert rescaling.same_function(f, around(f.start), d) < EXACT


@pytest.mark.breaks(rescaling.same_function)
@given(tanh, of_a_layer)
def test_a_tanh_network_is_another_function_after_rescaling(f, d) -> None:
    assert rescaling.same_function(f, around(f.start), d) > 0.1


@pytest.mark.breaks(rescaling.same_function)
@given(aligned_relu, of_a_layer)
def test_a_bias_that_is_not_scaled_with_its_weights_makes_it_another_function(f, d) -> None:
    d[2:4] = 1
    assert rescaling.same_function(f, around(f.start), d) > 0.1


@pytest.mark.holds(rescaling.metric)
@given(one_relu, of_one_unit, radii)
def test_metric_2_1_after_rescaling_is_the_rise_in_a_box_of_another_shape(f, d, eps) -> None:
    assert rescaling.metric(f, f.start, d, eps) < EXACT


@pytest.mark.breaks(rescaling.metric)
@given(one_tanh, of_one_unit, radii)
def test_metric_2_1_of_a_tanh_network_is_not(f, d, eps) -> None:
    assert rescaling.metric(f, f.start, d, eps) > 0.1


@pytest.mark.holds(rescaling.adaptive)
@given(one_relu, of_one_unit, radii)
def test_adaptive_sharpness_is_the_same_after_rescaling(f, d, eps) -> None:
    assert rescaling.adaptive(f, f.start, d, eps) < EXACT


@pytest.mark.breaks(rescaling.adaptive)
@given(one_tanh, of_one_unit, radii)
def test_adaptive_sharpness_of_a_tanh_network_is_not(f, d, eps) -> None:
    assert rescaling.adaptive(f, f.start, d, eps) > 0.1


@pytest.mark.breaks(rescaling.adaptive)
@given(aligned_unit, of_one_unit, radii)
def test_the_plus_one_of_keskars_box_breaks_the_invariance(f, d, eps) -> None:
    assert rescaling.adaptive(f, f.start, d, eps, keskar_box) > 0.1


@pytest.mark.breaks(rescaling.adaptive)
@given(aligned_unit, of_one_unit, radii)
def test_the_small_constant_of_asams_code_breaks_the_invariance(f, d, eps) -> None:
    def asam_box(x: Tensor, eps: float) -> Box:
        return Box.around(x, eps * (x.abs() + 0.01))

    assert rescaling.adaptive(f, f.start, d, eps, asam_box) > 1e-2


@pytest.mark.holds(rescaling.rescaled_hessian)
@given(relu, of_two_units)
def test_the_hessian_is_divided_by_the_scales_of_its_rows_and_columns(f, d) -> None:
    assert rescaling.rescaled_hessian(f, f.start, d) < EXACT


@pytest.mark.breaks(rescaling.rescaled_hessian)
@given(tanh, of_a_layer)
def test_the_hessian_of_a_tanh_network_is_not(f, d) -> None:
    assert rescaling.rescaled_hessian(f, f.start, d) > 0.1


@pytest.mark.holds(rescaling.trace)
@given(relu, st.floats(1e-2, 1e2))
def test_the_trace_is_that_of_the_blocks_by_the_squares_of_their_scales(f, factor) -> None:
    assert rescaling.trace(f, f.start, INCOMING, factor) < EXACT


@pytest.mark.breaks(rescaling.trace)
@given(tanh, st.floats(10, 1e2))
def test_the_trace_of_a_tanh_network_does_not_grow_like_that(f, factor) -> None:
    assert rescaling.trace(f, f.start, INCOMING, factor) > 0.5


@pytest.mark.holds(rescaling.top_eigenvalue)
@given(relu, st.floats(1e2, 1e3))
def test_the_top_eigenvalue_grows_as_the_square_of_the_factor(f, factor) -> None:
    assert rescaling.top_eigenvalue(f, f.start, INCOMING, factor) < 1e-5


@pytest.mark.breaks(rescaling.top_eigenvalue)
@given(tanh, st.floats(1e2, 1e3))
def test_the_top_eigenvalue_of_a_tanh_network_is_bounded(f, factor) -> None:
    assert rescaling.top_eigenvalue(f, f.start, INCOMING, factor) > 0.9


@pytest.mark.breaks(rescaling.top_eigenvalue)
@given(relu, st.floats(0.9, 1.1))
def test_without_a_large_factor_the_top_eigenvalue_is_not_that_of_the_second_layer(f, factor) -> None:
    assert rescaling.top_eigenvalue(f, f.start, INCOMING, factor) > 0.1

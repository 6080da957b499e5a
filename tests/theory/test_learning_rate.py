from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.theory import learning_rate
from repro.theory.learning_rate import epochs, steps
from repro.theory.minibatch import covariance
from repro.train.adapt import scaled
from repro.train.regime import Phase, Regime

EXACT = 1e-11
SQRT, LINEAR = 0.5, 1.0


class Case(NamedTuple):
    """Gradients of N examples, shape `(N, p)`, a phase, and a larger batch; both batches divide N."""

    gradients: Tensor
    small: Phase
    batch: int

    @property
    def ratio(self) -> float:
        return self.batch / self.small.batch

    def scaled(self, power: float) -> tuple[Tensor, Phase, Phase]:
        return self.gradients, self.small, scaled(Regime((self.small,)), self.batch, power).phases[0]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    examples, small, large = draw(st.sampled_from([(3, 1, 3), (4, 1, 2), (4, 1, 4), (4, 2, 4)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    noise = torch.rand(examples, draw(st.integers(2, 3)), generator=generator, dtype=torch.float64) - 0.5
    gradients = draw(st.sampled_from([-1, 1])) + noise
    return Case(gradients, Phase(1, small, draw(st.floats(1e-3, 2))), large)


@pytest.mark.holds(learning_rate.step_covariance)
@given(cases())
def test_the_root_rule_keeps_the_covariance_of_a_step(case) -> None:
    assert learning_rate.step_covariance(*case.scaled(SQRT)) < EXACT


@pytest.mark.breaks(learning_rate.step_covariance)
@given(cases())
def test_the_linear_rule_makes_a_step_noisier_by_the_ratio_of_the_batches(case) -> None:
    assert learning_rate.step_covariance(*case.scaled(LINEAR)) == pytest.approx(1 - 1 / case.ratio)


@pytest.mark.holds(learning_rate.epoch_drift)
@given(cases())
def test_the_linear_rule_keeps_the_drift_of_an_epoch(case) -> None:
    assert learning_rate.epoch_drift(*case.scaled(LINEAR)) < EXACT


@pytest.mark.breaks(learning_rate.epoch_drift)
@given(cases())
def test_the_root_rule_slows_the_drift_by_the_root_of_the_ratio(case) -> None:
    assert learning_rate.epoch_drift(*case.scaled(SQRT)) == pytest.approx(1 - case.ratio**-0.5)


@pytest.mark.holds(learning_rate.epoch_diffusion)
@given(cases())
def test_the_linear_rule_keeps_the_diffusion_of_an_epoch(case) -> None:
    assert learning_rate.epoch_diffusion(*case.scaled(LINEAR)) < EXACT


@pytest.mark.breaks(learning_rate.epoch_diffusion)
@given(cases())
def test_the_root_rule_lessens_the_diffusion_by_the_ratio_of_the_batches(case) -> None:
    assert learning_rate.epoch_diffusion(*case.scaled(SQRT)) == pytest.approx(1 - 1 / case.ratio)


@given(cases())
def test_steps_and_epochs_have_the_moments_of_the_closed_forms(case) -> None:
    """Both sides of an identity come from one enumeration: here it is held against η, N, B, μ and S themselves."""
    gradients, phase = case.gradients, case.small
    n, rate, mean, S = len(gradients), phase.learning_rate, gradients.mean(0), covariance(gradients)
    torch.testing.assert_close(steps(gradients, phase).mean(0), -rate * mean)
    torch.testing.assert_close(covariance(steps(gradients, phase)), rate**2 / phase.batch * S)
    torch.testing.assert_close(epochs(gradients, phase).mean(0), -rate * n / phase.batch * mean)
    torch.testing.assert_close(covariance(epochs(gradients, phase)), rate**2 * n / phase.batch**2 * S)

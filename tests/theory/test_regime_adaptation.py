from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.theory import regime_adaptation
from repro.theory.regime_adaptation import adapted, matched
from repro.train.adapt import with_batch, with_learning_rate
from repro.train.regime import Phase, Regime, constant

CIFAR = 50_000

ratios = st.integers(2, 8)


@st.composite
def regimes(draw: st.DrawFn, batch: int | None = None, longest: int = 6) -> Regime:
    """Up to three phases of one batch, with a learning rate of its own each."""
    size = batch or draw(st.integers(1, 20))
    phases = range(draw(st.integers(1, 3)))
    return Regime(tuple(Phase(draw(st.integers(1, longest)), size, 0.1**phase) for phase in phases))


@pytest.mark.holds(regime_adaptation.surplus_updates)
@given(regimes(), ratios, st.integers(1, 500))
def test_an_adapted_regime_does_the_updates_that_fill_every_base_epoch(regime, ratio, examples) -> None:
    assert regime_adaptation.surplus_updates(regime, adapted(regime, ratio), ratio, examples) == 0


@pytest.mark.breaks(regime_adaptation.surplus_updates)
@given(regimes(), ratios, st.integers(1, 500))
def test_a_larger_batch_alone_does_fewer_updates_by_the_ratio(regime, ratio, examples) -> None:
    large = with_batch(regime, ratio * regime.phases[0].batch)
    assert regime_adaptation.surplus_updates(regime, large, ratio, examples) == pytest.approx(1 - 1 / ratio)


@pytest.mark.parametrize(("ratio", "updates"), [(32, 416), (16, 400), (1, 391)])
def test_one_base_epoch_on_cifar_becomes_32_epochs_of_13_updates_or_16_of_25(ratio, updates) -> None:
    assert adapted(constant(1, 128, 0.1), ratio).updates(CIFAR) == updates


@st.composite
def fitting(draw: st.DrawFn) -> tuple[Regime, int, int]:
    """A regime, a ratio, and a number of examples whose updates in an epoch the ratio divides."""
    ratio, batch, epoch = draw(ratios), draw(st.integers(1, 20)), draw(st.integers(1, 4))
    examples = ratio * epoch * batch - draw(st.integers(0, batch - 1))
    return draw(regimes(batch=batch, longest=3)), ratio, examples


@pytest.mark.holds(regime_adaptation.same_rate_at_every_update)
@given(fitting())
def test_where_the_ratio_fits_the_learning_rate_falls_at_the_same_updates(case) -> None:
    regime, ratio, examples = case
    assert regime_adaptation.same_rate_at_every_update(regime, adapted(regime, ratio), examples) == 0


@pytest.mark.breaks(regime_adaptation.same_rate_at_every_update)
@given(fitting(), st.data())
def test_where_it_does_not_the_regimes_come_apart(case, data) -> None:
    regime, ratio, examples = case
    more = examples + regime.phases[0].batch * data.draw(st.integers(1, ratio - 1))
    assert regime_adaptation.same_rate_at_every_update(regime, adapted(regime, ratio), more) > 0.01


@pytest.mark.breaks(regime_adaptation.same_rate_at_every_update)
@given(fitting(), st.floats(1.5, 6))
def test_a_learning_rate_that_is_scaled_as_well_is_another_at_every_update(case, factor) -> None:
    regime, ratio, examples = case
    large = with_learning_rate(adapted(regime, ratio), factor)
    assert regime_adaptation.same_rate_at_every_update(regime, large, examples) == 1


@pytest.mark.holds(regime_adaptation.within_one_epoch)
@given(regimes(longest=200), ratios, st.integers(1, 500))
def test_a_regime_matched_by_updates_is_never_an_epoch_off(regime, ratio, examples) -> None:
    assert regime_adaptation.within_one_epoch(regime, matched(regime, ratio, examples), examples) == 0


@pytest.mark.breaks(regime_adaptation.within_one_epoch)
@given(fitting())
def test_a_regime_that_is_not_lengthened_does_too_few_updates(case) -> None:
    regime, ratio, examples = case
    large = with_batch(regime, ratio * regime.phases[0].batch)
    assert regime_adaptation.within_one_epoch(regime, large, examples) >= 1


@pytest.mark.breaks(regime_adaptation.within_one_epoch)
@given(fitting())
def test_a_regime_matched_by_epochs_gets_off_by_more_in_every_epoch(case) -> None:
    regime, ratio, examples = case
    more = examples + regime.phases[0].batch
    epoch = adapted(regime, ratio).phases[0].updates_per_epoch(more)
    long = Regime(tuple(replace(phase, epochs=2 * epoch) for phase in regime.phases))
    assert regime_adaptation.within_one_epoch(long, adapted(long, ratio), more) > 0.5


@pytest.mark.breaks(regime_adaptation.within_one_epoch)
@given(fitting(), st.data())
def test_one_epoch_too_many_in_one_phase_is_one_update_too_many(case, data) -> None:
    regime, ratio, examples = case
    phases = list(matched(regime, ratio, examples).phases)
    longer = data.draw(st.integers(0, len(phases) - 1))
    phases[longer] = replace(phases[longer], epochs=phases[longer].epochs + 1)
    one_update = 1 / phases[longer].updates_per_epoch(examples)
    assert regime_adaptation.within_one_epoch(regime, Regime(tuple(phases)), examples) == one_update


def test_100_epochs_on_cifar_are_3008_of_the_large_batch_by_updates_and_3200_by_epochs() -> None:
    base = constant(100, 128, 0.1)
    by_updates, by_epochs = matched(base, 32, CIFAR), adapted(base, 32)
    assert (by_updates.epochs, by_epochs.epochs) == (3008, 3200)
    assert [regime.updates(CIFAR) for regime in (base, by_updates, by_epochs)] == [39_100, 39_104, 41_600]

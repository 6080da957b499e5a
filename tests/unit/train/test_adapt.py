"""Every rule for a larger batch, held against numbers worked out by hand."""

from __future__ import annotations

import math
from itertools import accumulate
from operator import mul

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.train.adapt import (
    as_long_as,
    increased,
    lengthened,
    scaled,
    warmed_up,
    with_batch,
    with_ghosts,
    with_learning_rate,
    with_momentum,
    with_noise,
)
from repro.train.noise_scale import approximate_noise_scale
from repro.train.regime import Phase, Regime, constant, stepped

CIFAR = 50_000
BASE = stepped(100, 128, {0: 0.1, 81: 0.01, 122: 0.001}, momentum=0.9)


def rates(regime: Regime, examples: int) -> list[float]:
    return [regime.at(update, examples).phase.learning_rate for update in range(regime.updates(examples))]


def test_steps_beyond_the_last_epoch_are_never_reached() -> None:
    assert [(p.epochs, p.batch, p.learning_rate, p.momentum) for p in BASE.phases] == [
        (81, 128, 0.1, 0.9),
        (19, 128, 0.01, 0.9),
    ]


def test_a_schedule_must_say_how_it_begins() -> None:
    with pytest.raises(ValueError, match="must say the learning rate from epoch 0 on"):
        stepped(10, 128, {5: 0.1})


@pytest.mark.parametrize(("power", "factor"), [(0.0, 1.0), (0.5, 32**0.5), (1.0, 32.0)])
def test_the_rate_grows_by_a_power_of_the_batch(power: float, factor: float) -> None:
    large = scaled(BASE, 4096, power)
    assert [phase.batch for phase in large.phases] == [4096, 4096]
    assert [phase.learning_rate for phase in large.phases] == pytest.approx([0.1 * factor, 0.01 * factor])


@pytest.mark.parametrize(("batch", "ratio", "updates"), [(128, 1, 391), (2048, 16, 400), (4096, 32, 416)])
def test_a_base_epoch_on_cifar_becomes_as_many_updates_as_the_paper_counts(
    batch: int, ratio: int, updates: int
) -> None:
    long = lengthened(with_batch(constant(1, 128, 0.1), batch), ratio)
    assert (long.epochs, long.updates(CIFAR)) == (ratio, updates)


def test_matched_by_updates_no_phase_is_an_epoch_too_long() -> None:
    long = as_long_as(with_batch(BASE, 4096), BASE, CIFAR)
    assert [phase.epochs for phase in long.phases] == [math.ceil(81 * 391 / 13), math.ceil(19 * 391 / 13)]
    assert 0 <= long.updates(CIFAR) - BASE.updates(CIFAR) < 2 * 13


def test_warm_up_begins_at_the_start_and_reaches_the_rate_with_its_last_update() -> None:
    found = rates(warmed_up(constant(3, 10, 1.0), 1, 0.2), 50)
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, *[1.0] * 10])


def test_warm_up_of_a_single_update_is_at_the_rate() -> None:
    assert rates(warmed_up(constant(2, 10, 1.0), 1, 0.2), 10) == [1.0, 1.0]


def test_a_faster_regime_warms_up_from_a_faster_start() -> None:
    found = rates(with_learning_rate(warmed_up(constant(2, 10, 1.0), 1, 0.2), 3.0), 20)
    assert found == pytest.approx([0.6, 3.0, 3.0, 3.0])


def test_warm_up_needs_a_phase_longer_than_itself() -> None:
    with pytest.raises(ValueError, match="epochs=3 of warm-up must lie between 0 and the 3"):
        warmed_up(constant(3, 10, 1.0), 3, 0.1)


def test_ghosts_and_noise_touch_nothing_else() -> None:
    large = with_batch(BASE, 4096)
    assert {(phase.ghost_size, phase.ghosts_alike) for phase in with_ghosts(large, 128).phases} == {(128, False)}
    assert all(phase.ghosts_alike for phase in with_ghosts(large, 128, alike=True).phases)
    assert [phase.noise**2 for phase in with_noise(large, 128).phases] == pytest.approx([31, 31])
    assert with_noise(BASE, 128) == BASE
    assert Regime(tuple(Phase(p.epochs, p.batch, p.learning_rate, p.momentum) for p in large.phases)) == large


FALLING = stepped(200, 128, {0: 0.1, 60: 0.02, 120: 0.004, 160: 0.0008}, momentum=0.9)


def test_the_batch_grows_where_the_rate_would_fall_and_the_rate_takes_over_at_the_largest() -> None:
    grown = increased(FALLING, 5120)
    assert [phase.batch for phase in grown.phases] == [128, 640, 3200, 5120]
    assert [phase.learning_rate for phase in grown.phases] == pytest.approx([0.1, 0.1, 0.1, 0.032])
    assert [phase.epochs for phase in grown.phases] == [60, 60, 40, 40]


@given(st.integers(1, 256), st.floats(1e-3, 1), st.lists(st.floats(0.05, 1), max_size=4), st.integers(1, 10_000))
def test_increasing_the_batch_keeps_the_noise_scale_of_every_phase(
    batch: int, rate: float, factors: list[float], largest: int
) -> None:
    falling = stepped(10, batch, dict(enumerate(accumulate([rate, *factors], mul))), momentum=0.9)
    grown = increased(falling, max(batch, largest))
    for before, after in zip(falling.phases, grown.phases, strict=True):
        assert after.learning_rate / after.batch == pytest.approx(before.learning_rate / before.batch)
        assert batch <= after.batch <= max(batch, largest)


def test_a_larger_momentum_has_the_batch_that_keeps_the_noise_scale() -> None:
    (phase,) = with_momentum(constant(60, 640, 0.5, 0.9), 0.98).phases
    assert (phase.batch, phase.learning_rate, phase.momentum) == (3200, 0.5, 0.98)
    assert approximate_noise_scale(phase, CIFAR) == pytest.approx(
        approximate_noise_scale(Phase(60, 640, 0.5, 0.9), CIFAR)
    )
    assert approximate_noise_scale(Phase(60, 640, 0.5, 0.98), CIFAR) != pytest.approx(
        approximate_noise_scale(phase, CIFAR)
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rising_from": 0.0}, "rising_from=0.0"),
        ({"rising_from": 0.2}, "rising_from=0.2"),
        ({"noise": -1.0}, "noise=-1"),
    ],
)
def test_a_phase_that_cannot_be_meant_is_refused(changes: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Phase(1, 10, 0.1, **changes)  # type: ignore[arg-type]


def test_what_no_regime_can_give_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="small=256 must be at most the regime's batches"):
        with_noise(BASE, 256)
    with pytest.raises(ValueError, match="2 phases cannot be as long as 1"):
        as_long_as(BASE, constant(1, 128, 0.1), CIFAR)

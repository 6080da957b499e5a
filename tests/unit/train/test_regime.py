"""A regime answers for every update; expected counts are worked out by hand, laws hold for any regime."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.train.adapt import with_batch, with_learning_rate
from repro.train.regime import Phase, Regime, constant
from repro.train.spec import Plateau

EXAMPLES = st.integers(1, 200)
PHASES = st.builds(
    Phase,
    epochs=st.integers(1, 4),
    batch=st.integers(2, 250),
    learning_rate=st.floats(1e-6, 10),
    momentum=st.sampled_from([0.0, 0.9]),
    ghost_size=st.sampled_from([None, 2]),
    clip=st.sampled_from([None, 1.0]),
)
REGIMES = st.lists(PHASES, min_size=1, max_size=4).map(lambda phases: Regime(tuple(phases)))
LOSSES = st.lists(st.floats(0, 10), max_size=20)


@pytest.mark.parametrize(
    ("examples", "batch", "updates"),
    [
        (50_000, 128, 391),
        (50_000, 4096, 13),
        (60_000, 256, 235),
        (60_000, 6_000, 10),
        (6_000, 600, 10),
        (10, 10, 1),
        (10, 11, 1),
    ],
)
def test_an_epoch_uses_every_example_and_a_smaller_last_batch(examples: int, batch: int, updates: int) -> None:
    regime = constant(3, batch, 0.1)
    assert regime.phases[0].updates_per_epoch(examples) == updates
    assert regime.updates(examples) == 3 * updates


def test_the_position_at_the_border_of_two_phases() -> None:
    small, large = Phase(2, 4, 0.1), Phase(1, 8, 0.2, momentum=0.9)
    regime = Regime((small, large))  # 10 examples: 3 + 3 updates of 4, then 2 of 8
    last, first = regime.at(5, 10), regime.at(6, 10)
    assert (last.phase, last.epoch, last.batch_index, last.ends_epoch(10)) == (small, 1, 2, True)
    assert (first.phase, first.epoch, first.batch_index, first.ends_epoch(10)) == (large, 2, 0, False)
    assert [last.examples(10), first.examples(10)] == [slice(8, 10), slice(0, 8)]
    assert [regime.updates_until(epoch, 10) for epoch in range(4)] == [0, 3, 6, 8]


@given(REGIMES, EXAMPLES)
def test_every_update_lies_between_the_borders_of_its_epoch(regime: Regime, examples: int) -> None:
    for update in range(regime.updates(examples)):
        position = regime.at(update, examples)
        begin = regime.updates_until(position.epoch, examples)
        end = regime.updates_until(position.epoch + 1, examples)
        assert update == begin + position.batch_index < end
        assert position.ends_epoch(examples) == (update + 1 == end)


@given(REGIMES, EXAMPLES)
def test_every_epoch_uses_each_example_once(regime: Regime, examples: int) -> None:
    used: dict[int, list[int]] = {}
    for update in range(regime.updates(examples)):
        position = regime.at(update, examples)
        used.setdefault(position.epoch, []).extend(range(examples)[position.examples(examples)])
    assert used == {epoch: list(range(examples)) for epoch in range(regime.epochs)}


@pytest.mark.parametrize("update", [-1, 8, 100])
def test_an_update_outside_the_regime_is_an_error_that_names_it(update: int) -> None:
    with pytest.raises(IndexError, match=f"update={update} lies outside the regime's 8 updates"):
        Regime((Phase(2, 4, 0.1), Phase(1, 8, 0.1))).at(update, 10)


@pytest.mark.parametrize("epoch", [-1, 4])
def test_an_epoch_outside_the_regime_is_an_error_that_names_it(epoch: int) -> None:
    with pytest.raises(IndexError, match=f"epoch={epoch} lies outside the regime's 3 epochs"):
        Regime((Phase(2, 4, 0.1), Phase(1, 8, 0.1))).updates_until(epoch, 10)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch", 0),
        ("learning_rate", 0.0),
        ("learning_rate", -0.1),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("momentum", 1.0),
        ("momentum", -0.1),
        ("ghost_size", 1),
        ("ghost_size", 129),
        ("clip", 0.0),
    ],
)
def test_a_setting_that_cannot_be_meant_is_an_error_that_names_it(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}={value} must"):
        Phase(**{"epochs": 1, "batch": 128, "learning_rate": 0.1, field: value})  # type: ignore[arg-type]


def test_ghosts_that_weigh_alike_need_ghosts() -> None:
    with pytest.raises(ValueError, match="ghosts_alike=True needs a ghost_size"):
        Phase(1, 128, 0.1, ghosts_alike=True)


def test_the_extreme_settings_are_allowed() -> None:
    Phase(1, 2, 1e-12, momentum=0.0, ghost_size=2, clip=1e-12)


def test_a_regime_without_phases_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one phase"):
        Regime(())


@given(REGIMES, st.integers(2, 250), st.floats(1e-3, 1e3))
def test_a_transformation_changes_one_setting_in_every_phase(regime: Regime, batch: int, factor: float) -> None:
    larger, faster = with_batch(regime, batch), with_learning_rate(regime, factor)
    assert len(larger.phases) == len(faster.phases) == len(regime.phases)
    for before, resized, scaled in zip(regime.phases, larger.phases, faster.phases, strict=True):
        assert asdict(resized) == {**asdict(before), "batch": batch}
        assert asdict(scaled) == {**asdict(before), "learning_rate": factor * before.learning_rate}


def test_a_batch_smaller_than_the_ghost_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="ghost_size=128 must lie between 2 and the batch of 64"):
        with_batch(Regime((Phase(1, 256, 0.1, ghost_size=128),)), 64)


def test_constant_hands_on_every_setting() -> None:
    assert constant(5, 32, 0.1, momentum=0.9, clip=2.0).phases == (
        Phase(epochs=5, batch=32, learning_rate=0.1, momentum=0.9, clip=2.0),
    )


@pytest.mark.parametrize(
    ("losses", "reached"),
    [
        ([], False),
        ([1.0], False),
        ([1.0, 0.995], False),
        ([1.0, 0.995, 0.991], True),
        ([1.0, 0.995, 0.98], False),  # 2 % below the best counts
        ([1.0, 0.5, 0.9, 0.9], True),
        ([1.0, 0.5, 0.9, 0.4], False),
        ([1.0, 0.0, 0.0, 0.0], True),
    ],
)
def test_training_ends_two_epochs_after_the_last_gain_of_one_percent(losses: list[float], reached: bool) -> None:
    assert Plateau(patience=2, min_gain=0.01).reached(losses) == reached


@given(LOSSES, st.integers(1, 5), st.floats(0, 0.5))
def test_the_plateau_is_reached_where_the_definition_says(losses: list[float], patience: int, min_gain: float) -> None:
    gains = [epoch for epoch, loss in enumerate(losses) if epoch == 0 or loss < min(losses[:epoch]) * (1 - min_gain)]
    expected = bool(losses) and len(losses) - 1 - gains[-1] >= patience
    assert Plateau(patience, min_gain).reached(losses) == expected


@pytest.mark.parametrize(("patience", "min_gain"), [(0, 0.01), (5, -0.1), (5, 1.0)])
def test_a_plateau_that_cannot_be_meant_is_an_error(patience: int, min_gain: float) -> None:
    with pytest.raises(ValueError, match=f"patience={patience} must .* min_gain={min_gain} must"):
        Plateau(patience, min_gain)

"""Training: resumable at any update, seeded by name, honest about divergence."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.data import Dataset, Split
from repro.nets.distance import parameter_distance
from repro.streams import stream
from repro.train.loop import Diverged, Training, _alike
from repro.train.objectives import Adversarial, CrossEntropy, Proximal
from repro.train.regime import Phase, Regime, constant
from repro.train.spec import OptimizerName, Plateau, RunSpec, Start
from tests.unit.train.stepping import run, same, weights


def small_images(count: int = 46, side: int = 8) -> Dataset:
    generator = stream(0, "test data")

    def split(n: int) -> Split:
        labels = torch.arange(n) % 3
        pixels = torch.randint(0, 256, (n, 3, side, side), generator=generator, dtype=torch.uint8)
        return Split(pixels // 2 + (labels * 60).to(torch.uint8).view(-1, 1, 1, 1), labels)

    return Dataset("small", split(count), split(12), 3)


SPEC = RunSpec("F1", "small", constant(2, 16, 1e-3, 0.9), seed=4)


HOFFER = Phase(2, 16, 1e-3, 0.9, ghost_size=6, clip=1.0, rising_from=1e-4, noise=0.5, forgetful=True, ghosts_alike=True)
"""Two epochs of three updates; the last batch of 46 examples has 14."""


@pytest.mark.parametrize("stop_at", [1, 2, 3, 5])
@pytest.mark.parametrize("phase", [SPEC.regime.phases[0], HOFFER])
@pytest.mark.parametrize(("network", "optimizer"), [("F1", "sgd"), ("C1", "adam")])
def test_a_run_taken_up_at_any_update_ends_like_one_never_interrupted(
    network: str, optimizer: OptimizerName, phase: Phase, stop_at: int
) -> None:
    changed = replace(SPEC, network=network, optimizer=optimizer, regime=Regime((phase,)), weight_decay=1e-3)
    spec, data = replace(changed, augmentation="keskar2017"), small_images()
    whole = Training(spec, data)
    rows = run(whole)
    first = Training(spec, data)
    before = run(first, stop_at)
    second = Training(spec, data)
    second.load_state(first.state())
    after = run(second)
    assert before + after == rows
    assert same(weights(whole), weights(second))


def test_both_batch_sizes_of_a_seed_start_from_the_same_weights() -> None:
    data = small_images()
    small, large = (Training(replace(SPEC, regime=constant(2, batch, 1e-3)), data) for batch in (4, 23))
    other = Training(replace(SPEC, seed=5), data)
    assert same(weights(small), weights(large))
    assert not same(weights(small), weights(other))


def test_every_epoch_uses_every_example_once() -> None:
    training = Training(SPEC, small_images())
    seen = torch.cat([training._batch(training.spec.regime.at(k, 46))[1] for k in range(3)])
    assert torch.equal(seen.bincount(), training.data.train.labels.bincount())


def test_the_epochs_training_loss_is_the_mean_over_examples_not_over_batches() -> None:
    spec = replace(SPEC, regime=constant(1, 40, 1e-3), network="C1")
    training = Training(spec, small_images())
    losses: list[tuple[float, int]] = []
    update = CrossEntropy.update

    def watched(self: CrossEntropy, *arguments: object) -> object:
        outcome = update(self, *arguments)  # type: ignore[arg-type]
        losses.append((float(outcome.loss), len(arguments[3])))  # type: ignore[arg-type]
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CrossEntropy, "update", watched)
        row = run(training)[-1]
    assert [size for _, size in losses] == [40, 6]
    assert row["train_loss"] == pytest.approx(sum(loss * size for loss, size in losses) / 46, rel=1e-12)


def test_training_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    run(Training(replace(SPEC, network="C1", augmentation="keskar2017"), small_images()))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_that_is_not_finite_is_reported_with_its_update() -> None:
    training = Training(replace(SPEC, optimizer="sgd", regime=constant(50, 16, 1e30)), small_images())
    with pytest.raises(Diverged) as raised:
        run(training)
    assert raised.value.update == training.update
    assert raised.value.update <= 6


def test_training_stops_at_a_plateau_and_not_before() -> None:
    spec = replace(SPEC, regime=constant(30, 23, 1e-12), stop=Plateau(patience=3, min_gain=0.5))
    training = Training(spec, small_images())
    epochs = [row for row in run(training) if row["kind"] == "epoch"]
    assert len(epochs) == 4  # the first, and three without a gain
    assert len([r for r in run(Training(replace(spec, stop=None), small_images())) if r["kind"] == "epoch"]) == 30


def test_the_logged_distance_is_that_from_the_initial_weights() -> None:
    training = Training(SPEC, small_images())
    initial = [parameter.detach().clone().double() for parameter in training.model.parameters()]
    row = run(training)[-2]
    parts = zip(training.model.parameters(), initial, strict=True)
    expected = sum(float((p.detach().double() - w).square().sum()) for p, w in parts) ** 0.5
    assert (row["kind"], row["update"], row["distance"]) == ("distance", 6, pytest.approx(expected, rel=1e-12))
    last = [p.detach().double().square().sum().item() for p in list(training.model.parameters())[-2:]]
    assert row["last_norm"] == pytest.approx(sum(last) ** 0.5, rel=1e-12)


def test_rate_and_momentum_follow_the_regime() -> None:
    regime = Regime((Phase(1, 23, 1e-2, 0.5), Phase(1, 46, 1e-3, 0.25)))
    training = Training(replace(SPEC, regime=regime, optimizer="sgd"), small_images())
    seen = []
    for _ in range(3):
        training.advance()
        group = training.optimizer.param_groups[0]
        seen.append((group["lr"], group["momentum"]))
    assert seen == [(1e-2, 0.5), (1e-2, 0.5), (1e-3, 0.25)]


def test_plain_gradient_descent_is_the_textbook_step() -> None:
    data = small_images()
    training = Training(replace(SPEC, optimizer="sgd", regime=constant(1, 46, 0.25)), data)
    model = Training(SPEC, data).model.train()
    inputs, labels = data.train.batch(torch.randperm(46, generator=stream(4, "order", 0)))
    torch.nn.functional.cross_entropy(model(inputs), labels).backward()
    training.advance()
    for moved, start in zip(training.model.parameters(), model.parameters(), strict=True):
        assert start.grad is not None
        assert torch.allclose(moved, start - 0.25 * start.grad, atol=1e-7)


def step_of(phase: Phase, **changes: object) -> tuple[Training, dict[str, Tensor], dict[str, Tensor]]:
    """One update of plain SGD from fresh weights: the training, its weights before, and its weights after."""
    spec = replace(SPEC, optimizer="sgd", regime=Regime((phase,)), **changes)  # type: ignore[arg-type]
    training = Training(spec, small_images())
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    training.advance()
    return training, before, {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


def by_hand(before: dict[str, Tensor], loss: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> dict[str, Tensor]:
    """Each parameter's gradient at `before`, on the first batch of the run."""
    training = Training(replace(SPEC, regime=constant(1, 16, 0.1)), small_images())
    training.model.load_state_dict(before)
    inputs, labels = training._batch(training.spec.regime.at(0, 46))
    loss(training.model, inputs, labels).backward()  # type: ignore[no-untyped-call]
    return {name: p.grad for name, p in training.model.named_parameters() if p.grad is not None}


def test_weight_decay_is_added_to_the_gradient() -> None:
    _, before, after = step_of(Phase(1, 16, 0.1), weight_decay=0.01)
    for name, slope in by_hand(before, lambda m, x, y: F.cross_entropy(m(x), y)).items():
        torch.testing.assert_close(after[name], before[name] - 0.1 * (slope + 0.01 * before[name]))


def test_ghosts_have_the_gradient_of_their_micro_batches() -> None:
    def ghosts(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        parts = zip(x.split(6), y.split(6), strict=True)
        return sum((F.cross_entropy(model(a), b, reduction="sum") for a, b in parts), torch.zeros(())) / len(y)

    phase = Phase(1, 16, 0.1, ghost_size=6)
    assert gap(phase, ghosts) < 1e-2
    assert gap(phase, lambda m, x, y: F.cross_entropy(m(x), y)) > 0.1  # control: one batch


def released(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """A batch as the code of Hoffer et al. 2017 has it: `chunk(B // ghost)`, and the plain mean of the parts' means."""
    parts = list(zip(x.chunk(16 // 5), y.chunk(16 // 5), strict=True))
    return torch.stack([F.cross_entropy(model(a), b) for a, b in parts]).mean()


def test_ghosts_that_weigh_alike_are_those_of_the_released_code() -> None:
    phase = Phase(1, 16, 0.1, ghost_size=5, ghosts_alike=True)  # 6, 6 and 4 examples
    assert gap(phase, released) < 1e-2
    assert gap(replace(phase, ghost_size=6, ghosts_alike=False), released) > 0.02  # control: examples weigh alike


def gap(phase: Phase, loss: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> float:
    """How far a step of this phase lies from the gradient of `loss`, as a fraction of its length."""
    _, before, after = step_of(phase)
    slopes = by_hand(before, loss)
    moved = [(before[name] - after[name]) / 0.1 for name in slopes]
    return parameter_distance(moved, slopes.values()) / parameter_distance(moved, [0 * m for m in moved])


def test_a_smaller_last_batch_has_as_many_ghosts_as_a_whole_one() -> None:
    """CIFAR-10 at 4,096 and ghosts of 128 leaves 848 examples, which the released code cuts into 32 parts of 27."""
    alike = Phase(1, 4096, 0.1, ghost_size=128, ghosts_alike=True)
    assert [alike.ghost_size_of(count) for count in (4096, 848)] == [128, 27]
    assert [replace(alike, ghosts_alike=False).ghost_size_of(count) for count in (4096, 848)] == [128, 128]
    factors = _alike(848, 27)
    assert factors.mean() == pytest.approx(1)
    assert (factors[-1] / factors[0]).item() == pytest.approx(27 / 11)


def test_noise_multiplies_each_examples_gradient_and_leaves_the_loss() -> None:
    training, before, after = step_of(Phase(1, 16, 0.1, noise=2.0))
    factors = 1 + 2 * torch.randn(16, generator=stream(SPEC.seed, "noise", 0))
    slopes = by_hand(before, lambda m, x, y: (factors * F.cross_entropy(m(x), y, reduction="none")).mean())
    for name, slope in slopes.items():
        torch.testing.assert_close(after[name], before[name] - 0.1 * slope, rtol=1e-4, atol=1e-6)
    quiet, _, _ = step_of(Phase(1, 16, 0.1))
    assert training._loss_sum == quiet._loss_sum


def test_each_update_draws_noise_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Tensor] = []

    def noting(_: nn.Module, factors: Tensor) -> AbstractContextManager[None]:
        drawn.append(factors)
        return nullcontext()

    monkeypatch.setattr("repro.train.loop._multiplied_gradients", noting)
    training, _, _ = step_of(Phase(1, 16, 0.1, noise=2.0))
    training.advance()
    wanted = [1 + 2 * torch.randn(16, generator=stream(SPEC.seed, "noise", update)) for update in (0, 1)]
    assert all(torch.equal(one, other) for one, other in zip(drawn, wanted, strict=True))
    assert not torch.equal(*drawn)


def test_momentum_that_forgets_in_every_epoch_of_one_update_is_no_momentum() -> None:
    data = small_images()
    ends = []
    for momentum, forgetful in ((0.0, False), (0.9, True), (0.9, False)):
        regime = Regime((Phase(3, 46, 0.1, momentum, forgetful=forgetful),))
        training = Training(replace(SPEC, optimizer="sgd", regime=regime), data)
        run(training)
        ends.append(weights(training))
    assert same(ends[0], ends[1])
    assert not same(ends[0], ends[2])


def test_ghosts_as_large_as_the_batch_are_plain_batchnorm() -> None:
    ends = []
    for ghost_size in (None, 16):
        training = Training(replace(SPEC, regime=Regime((Phase(1, 16, 0.1, ghost_size=ghost_size),))), small_images())
        run(training)
        ends.append(weights(training))
    assert same(*ends)


def test_the_distances_of_the_modules_add_up_to_the_whole() -> None:
    rows = [row for row in run(Training(SPEC, small_images())) if row["kind"] == "distance"]
    for row in rows:
        assert sum(d**2 for d in row["modules"].values()) == pytest.approx(row["distance"] ** 2)  # type: ignore


@pytest.mark.parametrize(("batch", "ghost_size"), [(16, 5), (16, 13), (13, 3)])
def test_a_ghost_of_one_example_is_refused_before_training(batch: int, ghost_size: int) -> None:
    with pytest.raises(ValueError, match=f"ghost_size={ghost_size} leaves one example"):
        Training(replace(SPEC, regime=Regime((Phase(1, batch, 0.1, ghost_size=ghost_size),))), small_images())


def test_as_many_ghosts_as_the_last_batch_has_examples_are_refused_before_training() -> None:
    phase = Phase(1, 44, 0.1, ghost_size=20, ghosts_alike=True)  # the last batch of 46 examples has 2
    with pytest.raises(ValueError, match="ghost_size=20 leaves one example"):
        Training(replace(SPEC, regime=Regime((phase,))), small_images())


def test_the_proximal_weight_pulls_towards_the_last_iterate() -> None:
    moved = {}
    for weight in (0.0, 1e4):
        spec = replace(SPEC, objective=Proximal(weight=weight, inner_steps=3), optimizer="sgd")
        spec = replace(spec, regime=constant(1, 46, 1e-5))
        training = Training(spec, small_images())
        training.advance()
        pairs = zip(training.model.parameters(), training.initial.values(), strict=True)
        moved[weight] = sum(float((p.detach() - w).square().sum()) for p, w in pairs)
    assert moved[1e4] < moved[0.0]


def test_conservative_training_makes_three_steps_an_update() -> None:
    training = Training(replace(SPEC, objective=Proximal()), small_images())
    training.advance()
    state = next(iter(training.optimizer.state.values()))
    assert int(state["step"]) == 3


def test_adversarial_inputs_lie_on_the_corners_of_the_radius() -> None:
    training = Training(replace(SPEC, objective=Adversarial(radius=0.1)), small_images())
    seen: list[Tensor] = []
    training.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    training.advance()
    clean, moved = seen
    change = (moved - clean).abs()
    assert torch.allclose(change[change > 0], torch.tensor(0.1), atol=1e-6)
    assert (change > 0).float().mean() > 0.9


def test_a_start_from_other_weights_keeps_them_as_the_origin_of_distances() -> None:
    data = small_images()
    parent = Training(SPEC, data)
    run(parent)
    child = Training(replace(SPEC, start=Start("0" * 20, 6)), data, parent.model.state_dict())
    assert same(weights(child), weights(parent))
    assert not same(weights(child), weights(Training(SPEC, data)))


def test_a_last_batch_of_one_example_is_refused_before_training() -> None:
    for batch, other in ((15, 16), (1, 2), (45, 46)):
        with pytest.raises(ValueError, match=f"batch={batch} leaves one example of 46 .* for example {other}"):
            Training(replace(SPEC, regime=constant(1, batch, 1e-3)), small_images())


def test_the_batch_advised_leaves_no_example_alone_either() -> None:
    data = small_images()
    seven = replace(data, train=data.train.take(slice(0, 7)))
    with pytest.raises(ValueError, match=r"batch=2 leaves one example of 7 .* for example 4"):  # 3 leaves one too
        Training(replace(SPEC, regime=constant(1, 2, 1e-3)), seven)
    one = replace(data, train=data.train.take(slice(0, 1)))
    with pytest.raises(ValueError, match="for example of two examples or more"):
        Training(replace(SPEC, regime=constant(1, 2, 1e-3)), one)


def test_one_example_is_a_batch_where_there_is_no_batchnorm() -> None:
    spec = replace(SPEC, network="MLP", regime=constant(1, 15, 1e-3))
    assert run(Training(spec, small_images()))[-1]["epoch"] == 1


def test_bfloat16_training_stays_close_to_float32_but_is_not_it() -> None:
    data = small_images()
    full, half = (run(Training(replace(SPEC, precision=p), data))[-1] for p in ("fp32", "bf16"))
    assert half["train_loss"] == pytest.approx(full["train_loss"], abs=0.05)
    assert half["train_loss"] != full["train_loss"]

"""Contrastive training in the loop that trains everything else: two views, no labels, and resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from repro.data import Dataset, Split, augmentation
from repro.streams import stream
from repro.train.loop import Training
from repro.train.objectives import Contrastive, ContrastiveLoss
from repro.train.regime import Phase, Regime, constant
from repro.train.spec import RunSpec
from tests.unit.train.stepping import run, same, weights


def images(count: int = 46) -> Dataset:
    pixels = torch.randint(0, 256, (count, 1, 12, 12), generator=stream(0, "test data"), dtype=torch.uint8)
    split = Split(pixels, torch.arange(count) % 3)
    return Dataset("small", split, split.take(slice(0, 12)), 3)


SPEC = RunSpec(
    "Conv4",
    "small",
    constant(2, 16, 0.1, 0.9),
    optimizer="sgd",
    objective=Contrastive(),
    augmentation="move-erase",
    seed=4,
)


def views(training: Training, update: int) -> tuple[Tensor, Tensor]:
    training.update = update
    first, second = training._batch(training.spec.regime.at(update, 46))[0].chunk(2)
    return first, second


def test_the_two_views_of_an_example_differ_are_reproducible_and_are_new_at_every_update() -> None:
    first, second = views(Training(SPEC, images()), 0)
    again, _ = views(Training(SPEC, images()), 0)
    assert torch.equal(first, again)
    assert (first != second).flatten(1).any(1).all()
    assert first.shape == second.shape == (16, 1, 12, 12)
    one_epoch_later, _ = views(Training(replace(SPEC, regime=constant(2, 46, 0.1)), images()), 1)
    one, _ = views(Training(replace(SPEC, regime=constant(2, 46, 0.1)), images()), 0)
    assert not torch.equal(one.sum((1, 2, 3)).sort().values, one_epoch_later.sum((1, 2, 3)).sort().values)


def test_both_views_are_of_the_same_examples_in_the_same_order() -> None:
    training, data = Training(SPEC, images()), images()
    chosen = torch.randperm(46, generator=stream(4, "order", 0))[:16]
    plain, _ = data.train.batch(chosen)
    expected = augmentation("move-erase")(torch.cat([plain, plain]), stream(4, "augmentation", 0))
    assert torch.equal(torch.cat(views(training, 0)), expected)


def pulled(z: Tensor, temperature: float, pair_in_denominator: bool) -> Tensor:
    """The loss anchor by anchor, from the definition."""
    first, second = F.normalize(z[0], dim=1), F.normalize(z[1], dim=1)
    terms = []
    for own, other in ((first, second), (second, first)):
        for i in range(len(own)):
            rest = [view[k] for view in (own, other) for k in range(len(own)) if k != i]
            compared = [*rest, other[i]] if pair_in_denominator else rest
            denominator = torch.stack([(own[i] @ each / temperature).exp() for each in compared]).sum()
            terms.append(denominator.log() - own[i] @ other[i] / temperature)
    return torch.stack(terms).mean()


@pytest.mark.parametrize(("loss", "pair"), [("nt-xent", True), ("dcl", False)])
def test_an_update_is_a_step_down_the_losss_gradient_on_both_views_together(loss: ContrastiveLoss, pair: bool) -> None:
    spec = replace(SPEC, objective=Contrastive(loss, 0.2), regime=constant(1, 16, 0.1))
    training, other = Training(spec, images()), Training(spec, images())
    inputs = torch.cat(views(other, 0))
    pulled(other.model(inputs).view(2, 16, -1), 0.2, pair).backward()  # type: ignore[no-untyped-call]
    training.advance()
    for moved, start in zip(training.model.parameters(), other.model.parameters(), strict=True):
        assert start.grad is not None
        torch.testing.assert_close(moved, start - 0.1 * start.grad, atol=1e-6, rtol=1e-4)


def test_labels_play_no_part() -> None:
    data = images()
    shuffled = replace(data, train=Split(data.train.inputs, data.train.labels.flip(0)))
    one, other = Training(SPEC, data), Training(SPEC, shuffled)
    assert run(one) == run(other)
    assert same(weights(one), weights(other))


def test_an_epoch_says_how_many_examples_were_recognised_and_nothing_of_the_test_split() -> None:
    epochs = [row for row in run(Training(SPEC, images())) if row["kind"] == "epoch"]
    assert [sorted(row) for row in epochs] == [["epoch", "kind", "train_accuracy", "train_loss", "update"]] * 2
    assert all(0 <= float(row["train_accuracy"]) <= 1 for row in epochs)  # type: ignore[arg-type]
    frozen = Training(replace(SPEC, regime=constant(1, 46, 1e-9), augmentation="pad-crop-flip"), images())
    frozen._augment = lambda inputs, _: inputs  # both views are the image itself
    assert run(frozen)[-1]["train_accuracy"] == 1


@pytest.mark.parametrize("stop_at", [1, 2, 3, 5])
def test_a_contrastive_run_taken_up_at_any_update_ends_like_one_never_interrupted(stop_at: int) -> None:
    whole, first, second = (Training(SPEC, images()) for _ in range(3))
    rows, before = run(whole), run(first, stop_at)
    second.load_state(first.state())
    assert before + run(second) == rows
    assert same(weights(whole), weights(second))


def test_training_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    run(Training(SPEC, images()))
    assert torch.equal(torch.get_rng_state(), before)


def test_views_that_would_be_alike_are_refused() -> None:
    with pytest.raises(ValueError, match="augmentation='none' gives 2 views that are alike; choose another"):
        Training(replace(SPEC, augmentation="none"), images())


@pytest.mark.parametrize("change", [{"loss": "dcl"}, {"temperature": 0.1}])
def test_loss_and_temperature_are_part_of_the_key(change: dict[str, object]) -> None:
    other: Callable[..., Contrastive] = Contrastive
    assert replace(SPEC, objective=other(**change)).key != SPEC.key


@pytest.mark.parametrize("weighing", [{"noise": 0.5}, {"ghost_size": 4, "ghosts_alike": True}])
def test_factors_on_the_gradients_of_single_examples_are_refused(weighing: dict[str, object]) -> None:
    regime = Regime((Phase(1, 16, 0.1, **weighing),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"noise and ghosts_alike weigh .* 2 views"):
        Training(replace(SPEC, regime=regime), images())


def test_after_a_phase_with_ghosts_the_whole_batch_of_both_views_is_normalised_together() -> None:
    regime = Regime((Phase(1, 23, 0.1, ghost_size=4), Phase(1, 23, 0.1)))
    training = Training(replace(SPEC, network="C1", regime=regime), images())
    (first, *_) = training._ghosts
    run(training, 1)
    assert first.ghost_size == 4
    run(training)
    assert first.ghost_size == 46

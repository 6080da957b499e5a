"""What is timed on a stored run: the calls that are asked for, on the examples there are; never how long they take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from repro.data import load
from repro.errors import UsageError
from repro.nets import build
from repro.nets.ghost_batchnorm import GhostBatchNorm
from repro.runs.store import RunStore
from repro.streams import stream
from repro.studies import timing
from repro.studies.article.serving import QueueOver
from repro.studies.timing import SecondsOf, cost_of, timing_of
from repro.train.adapt import with_ghosts
from repro.train.regime import constant
from repro.train.spec import RunSpec

SPEC = RunSpec("F1", "mnist-embedded", with_ghosts(constant(1, 64, 1e-3, 0.9), 16), optimizer="sgd")
DATA = load("mnist-embedded")


@pytest.fixture
def store(tmp_path) -> RunStore:
    made = RunStore(tmp_path)
    made.folder(SPEC.key).declare(SPEC)
    weights = build("F1", DATA.shape, DATA.classes, stream(0, "weights")).state_dict()
    made.folder(SPEC.key).save_weights(None, weights)
    return made


@pytest.fixture
def seen(monkeypatch):
    """Every call that is timed: mode, autocast, ghosts, inputs and labels."""
    calls = []

    class Spy:
        def __init__(self, make):
            self.make = make

        def __call__(self, *given):
            call, model = self.make(*given), given[-2]
            cast = []
            model.register_forward_pre_hook(lambda *_: cast.append(torch.is_autocast_enabled("cpu")))

            def noted(inputs, labels):
                found = call(inputs, labels)
                ghosts = {layer.ghost_size for layer in model.modules() if isinstance(layer, GhostBatchNorm)}
                calls.append((model.training, cast[-1], ghosts, inputs, labels))
                return found

            return noted

    for name in ("_update", "_prediction"):
        monkeypatch.setattr(timing, name, Spy(getattr(timing, name)))
    return calls


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_updates_are_timed_in_training_with_the_ghosts_of_the_run(store, seen, precision):
    content = SecondsOf(SPEC, "update", (4, 32, 64), precision, rounds=6).measure(store)
    assert content["batches"] == (4, 32, 64)
    assert [len(each) for each in content["seconds"]] == [6, 6, 6]
    assert {(training, autocast) for training, autocast, *_ in seen} == {(True, precision == "bf16")}
    assert {frozenset(ghosts) for _, _, ghosts, *_ in seen} == {frozenset({16})}
    assert {len(labels) for *_, labels in seen} == {4, 32, 64}


def test_predictions_are_timed_in_evaluation_on_test_examples(store, seen):
    SecondsOf(SPEC, "prediction", (1, 2, 4), rounds=6).measure(store)
    assert not any(training for training, *_ in seen)
    inputs = seen[0][3]
    assert (DATA.test.inputs.float().div(255) == inputs).flatten(1).all(1).any()


def test_batches_come_in_turn_until_every_example_was_in_one():
    draw = timing._in_turn(DATA.test, torch.contiguous_format, 0)
    drawn = torch.cat([draw(500)[0] for _ in range(len(DATA.test) // 500)]).sum(0)
    assert torch.allclose(drawn, DATA.test.inputs.float().div(255).sum(0), rtol=1e-4)
    first = timing._in_turn(DATA.test, torch.contiguous_format, 0)(500)[0]
    assert torch.equal(draw(500)[0], first)  # and from the beginning again


def test_what_was_timed_is_read_back_as_a_line(store):
    content = SecondsOf(SPEC, "prediction", (1, 8, 64), rounds=6).measure(store)
    assert timing_of(content).batches == (1, 8, 64)
    assert cost_of(content).free == 1


def test_a_batch_larger_than_the_data_set_is_refused(store):
    with pytest.raises(UsageError, match=r"batches=\[1, 5000\] must be at most the 2000 examples there are"):
        SecondsOf(SPEC, "prediction", (1, 5000)).measure(store)


def test_a_queue_answers_every_request_once_with_the_networks_own_classes(store):
    queue = QueueOver(SPEC, requests=40, rate=2000.0, largest=8, deadline=0.005, patience=60.0)
    content = queue.measure(store)
    assert {arm: served["requests"] for arm, served in content.items()} == {"alone": 40, "queued": 40}
    assert (content["alone"]["calls"], content["alone"]["computed"], content["alone"]["timeouts"]) == (40, 40, 0)
    assert content["queued"]["computed"] == 40
    assert 5 <= content["queued"]["calls"] < 40
    assert list(content) == ["alone", "queued"]
    other = replace(SPEC, seed=SPEC.seed + 1)
    store.folder(other.key).declare(other)
    store.folder(other.key).save_weights(None, store.folder(SPEC.key).weights())
    assert list(replace(queue, spec=other).measure(store)) == ["queued", "alone"]  # seeds take turns
    assert 0 < content["queued"]["median_latency"] <= content["queued"]["late_latency"]
    model = build("F1", DATA.shape, DATA.classes, stream(0, "weights")).eval()
    classes = model(DATA.test.inputs[:3].float().div(255)).argmax(1).tolist()
    assert queue._model(store)([0, 1, 2]) == classes

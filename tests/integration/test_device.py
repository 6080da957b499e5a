"""All that trains and measures works on another device than the processor, and finds the same there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from repro.data import Dataset, Split
from repro.runs.measurements import MeasurementRequest
from repro.runs.noise import NoiseProbe
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest, carry_out
from repro.streams import stream
from repro.studies.article.representation import RepresentationAt
from repro.studies.between import DirectionFrom, PathBetween
from repro.studies.curvature import SpectrumAt
from repro.studies.minimum import EvaluationAt, ExpandedSharpnessAt, ManifoldSharpnessAt, SharesAt, SharpnessAt
from repro.studies.potential import PotentialAtStart
from repro.train.checkpoint import from_bytes, to_bytes
from repro.train.loop import Row, Training
from repro.train.objectives import Adversarial, Contrastive, Proximal
from repro.train.regime import Phase, Regime, constant
from repro.train.spec import RunSpec
from tests.stand_in import stand_in_device

DENSE = RunSpec("F1", "mnist-embedded-2k", constant(1, 500, 1e-3, 0.9))
PLAIN = replace(DENSE, network="MLP")
RESIDUAL = replace(DENSE, network="ResNet8")
CONTRAST = RunSpec(
    "Conv4", "mnist-embedded-2k", constant(1, 1000, 0.1), "sgd", objective=Contrastive(), augmentation="move-erase"
)
CONVOLUTIONAL = RunSpec("C1", "made", constant(2, 16, 1e-2, 0.9, clip=1.0), optimizer="sgd", augmentation="keskar2017")
GHOSTS = Regime((Phase(2, 16, 1e-2, 0.9, ghost_size=8, noise=0.1),))
TRAININGS = {
    "dropout, momentum and a moved image": CONVOLUTIONAL,
    "ghosts of noisy gradients": replace(CONVOLUTIONAL, network="ResNet8", regime=GHOSTS, augmentation="pad-crop-flip"),
    "AdaGrad": replace(CONVOLUTIONAL, optimizer="adagrad", regime=constant(2, 16, 1e-3)),
    "Adam and a proximal term": replace(CONVOLUTIONAL, optimizer="adam", objective=Proximal()),
    "adversarial examples": replace(CONVOLUTIONAL, objective=Adversarial()),
    "contrast": replace(CONVOLUTIONAL, network="Conv4", objective=Contrastive(), augmentation="move-erase"),
}


def made(examples: int = 48) -> Dataset:
    """Noise, of which a network can learn its labels all the same."""
    generator = stream(0, "made")
    pixels = torch.randint(256, (examples, 3, 32, 32), generator=generator).to(torch.uint8)
    split = Split(pixels, torch.arange(examples) % 10)
    return Dataset("made", split, split, 10)


def advanced(training: Training, updates: int) -> list[Row]:
    return [row for _ in range(updates) for row in training.advance()]


def test_the_stand_in_refuses_what_a_gpu_refuses() -> None:
    with stand_in_device() as device:
        there = torch.ones(3, device=device)
        with pytest.raises(RuntimeError, match=r"on meta and on cpu"):
            there + torch.ones(3)
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
        assert float((there + torch.tensor(1.0)).sum()) == 6.0
        assert there.cpu().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("spec", TRAININGS.values(), ids=TRAININGS)
def test_training_finds_the_same_on_another_device(spec: RunSpec) -> None:
    expected = advanced(Training(spec, made()), 6)
    with stand_in_device() as device:
        training = Training(spec, made(), device=device)
        found = advanced(training, 6)
        assert {tensor.device for tensor in training.model.state_dict().values()} == {device}
    assert alike(found, expected), (found, expected)


def test_a_checkpoint_of_one_device_is_taken_up_on_another() -> None:
    whole = Training(CONVOLUTIONAL, made())
    advanced(whole, 2)
    kept = to_bytes(whole.state())
    expected = advanced(whole, 4)
    with stand_in_device() as device:
        training = Training(CONVOLUTIONAL, made(), device=device)
        training.load_state(from_bytes(kept, "checkpoint"))
        found = advanced(training, 4)
        state = from_bytes(to_bytes(training.state()), "checkpoint")
    assert alike(found, expected), (found, expected)
    assert not state["model"]["0.weight"].is_meta


MEASUREMENTS = {
    "evaluation": EvaluationAt(RESIDUAL),
    "published sharpness": SharpnessAt(PLAIN, rule="published", measured=100),
    "searched sharpness": SharpnessAt(PLAIN, budget=8, measured=100),
    "adaptive sharpness": SharpnessAt(PLAIN, box="adaptive", budget=8, measured=100),
    "sharpness with batch statistics": SharpnessAt(RESIDUAL, rule="ascent", budget=8, measured=100, batchnorm="batch"),
    "sharpness on a manifold": ManifoldSharpnessAt(PLAIN, budget=8, measured=100, columns=10),
    "expanded sharpness": ExpandedSharpnessAt(PLAIN, rule="ascent", budget=8, measured=100),
    "shares": SharesAt(PLAIN, fraction=0.1, budget=8, measured=100),
    "spectrum": SpectrumAt(DENSE, 2, top=2, probes=1, steps=4, tol=1e-3, measured=100),
    "spectrum by PyHessian": SpectrumAt(PLAIN, engine="pyhessian", top=1, probes=1, steps=4, measured=100),
    "path": PathBetween(RESIDUAL, replace(RESIDUAL, seed=1), alphas=(0.0, 0.5, 1.0), measured=100, statistics=100),
    "direction": DirectionFrom(PLAIN, seed=0, alphas=(-0.1, 0.1), measured=100),
    "random potential": PotentialAtStart(RESIDUAL, distances=(1.0, 3.0), measured=100, rays=2),
    "representation": RepresentationAt(CONTRAST),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    store = RunStore(tmp_path_factory.mktemp("runs"))
    kept = RunRequest(DENSE, frozenset({2}))
    for request in (kept, *map(RunRequest, (PLAIN, RESIDUAL, replace(RESIDUAL, seed=1), CONTRAST))):
        assert carry_out(store, request)["status"] == "complete"
    return store


@pytest.mark.parametrize("request_", MEASUREMENTS.values(), ids=MEASUREMENTS)
def test_a_measurement_finds_the_same_on_another_device(
    store: RunStore, request_: MeasurementRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = request_.measure(store)
    with stand_in_device() as device:
        monkeypatch.setattr("repro.studies.network.device", lambda: device)
        found = request_.measure(store)
    assert alike(found, expected), (found, expected)


def test_a_run_on_another_device_leaves_the_same_files(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RunRequest(DENSE, frozenset({2}), frozenset({NoiseProbe(100, 3, (1,))}))
    expected = store.folder(DENSE.key)
    with stand_in_device() as device:
        monkeypatch.setattr("repro.runs.worker.device", lambda: device)
        assert carry_out(RunStore(tmp_path), request)["status"] == "complete"
    found = RunStore(tmp_path).folder(DENSE.key)
    assert alike(found.rows("epoch"), expected.rows("epoch"))
    assert len(found.rows("noise")) == 2
    for update in (0, 2, None):
        here, there = expected.weights(update), found.weights(update)
        assert here.keys() == there.keys()
        for name, tensor in there.items():
            torch.testing.assert_close(tensor, here[name], rtol=1e-3, atol=1e-4)


def alike(found: Any, expected: Any) -> bool:
    """Whether two contents have the same form, and numbers that agree to a hundredth."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(alike(found[name], expected[name]) for name in expected)
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(alike, found, expected))
    return bool(found == (pytest.approx(expected, rel=1e-2, abs=1e-5) if isinstance(expected, float) else expected))

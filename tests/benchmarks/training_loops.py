"""One timed training loop a call: prints the examples it trained per CPU second. Run by test_training_speed.py.

The second of two epochs is timed, and with it what a DataLoader's workers take. In the first, memory and kernels are
set up, and distances are logged at nearly every update, which in a whole run are few.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from repro.data import Dataset, Split
from repro.machine import prepare
from repro.nets import build
from repro.streams import stream
from repro.train.loop import Training
from repro.train.regime import constant
from repro.train.spec import RunSpec

SHAPES = {"F1": (1, 28, 28), "C1": (3, 32, 32)}
AUGMENTED = {"F1": False, "C1": True}
LOADER_WORKERS = {"workers": 2, "no workers": 0}
"""Worker processes of the DataLoader in each of the usual loops."""


def examples(network: str, count: int) -> Dataset:
    generator = stream(0, "benchmark")
    pixels = torch.randint(0, 256, (count, *SHAPES[network]), generator=generator, dtype=torch.uint8)
    split = Split(pixels, torch.arange(count) % 10)
    return Dataset("random", split, split.take(slice(0, 10)), 10)


class PerSample(TorchDataset[tuple[Tensor, int]]):
    """Images decoded, padded, cropped, flipped and normalised one by one, as the usual transforms do."""

    def __init__(self, split: Split, augmented: bool) -> None:
        channels_last = split.inputs.permute(0, 2, 3, 1).numpy()
        self.images = channels_last if channels_last.shape[3] == 3 else channels_last[..., 0]
        self.labels = split.labels.tolist()
        self.augmented = augmented
        self.random = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index])
        if self.augmented:
            left, top = self.random.integers(0, 9, 2)
            image = ImageOps.expand(image, 4).crop((left, top, left + 32, top + 32))
            image = ImageOps.mirror(image) if self.random.random() < 0.5 else image
        array = np.array(image, copy=True)
        tensor = torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1).contiguous()
        return tensor.float().div(255).sub_(0.5).div_(0.5), self.labels[index]


def usual_loop(network: str, batch: int, count: int, workers: int) -> float:
    torch.set_num_threads(1)
    model = build(network, SHAPES[network], 10, stream(0, "weights")).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images = PerSample(examples(network, count).train, AUGMENTED[network])
    loader = DataLoader(images, batch, shuffle=True, num_workers=workers)
    loss = nn.CrossEntropyLoss()

    def epoch() -> None:
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss(model(inputs), labels).backward()
            optimizer.step()

    return count / seconds_of_second(epoch)


def our_loop(network: str, batch: int, count: int, precision: str) -> float:
    prepare()
    spec = RunSpec(
        network,
        "random",
        constant(2, batch, 1e-3, 0.9),
        augmentation="pad-crop-flip" if AUGMENTED[network] else "none",
        precision=precision,  # type: ignore[arg-type]
    )
    training = Training(spec, examples(network, count))

    def epoch() -> None:
        for _ in range(training.updates // 2):
            training.advance()

    return count / seconds_of_second(epoch)


def seconds_of_second(epoch: Callable[[], None]) -> float:
    epoch()
    begun = processor_seconds()
    epoch()
    return processor_seconds() - begun


def processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    kind, network, batch, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if kind in LOADER_WORKERS:
        print(usual_loop(network, batch, count, LOADER_WORKERS[kind]))
    else:
        print(our_loop(network, batch, count, kind))

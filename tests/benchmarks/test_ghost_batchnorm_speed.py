"""What ghosts of 128 cost beside plain BatchNorm, forward and backward: ratios of CPU time, on one thread."""

from __future__ import annotations

import statistics
import time

import pytest
import torch
from torch import Tensor, nn

from repro.nets.ghost_batchnorm import GhostBatchNorm
from repro.streams import stream

ROUNDS = 15
CONVOLUTIONAL, DENSE = 1.25, 1.35
CASES = {
    "images float32 contiguous": ((1024, 64, 16, 16), torch.float32, torch.contiguous_format, CONVOLUTIONAL),
    "images float32 channels last": ((1024, 64, 16, 16), torch.float32, torch.channels_last, CONVOLUTIONAL),
    "images bfloat16 contiguous": ((1024, 16, 32, 32), torch.bfloat16, torch.contiguous_format, CONVOLUTIONAL),
    "images bfloat16 channels last": ((1024, 16, 32, 32), torch.bfloat16, torch.channels_last, CONVOLUTIONAL),
    "dense float32": ((4096, 512), torch.float32, torch.contiguous_format, DENSE),
}


def seconds(layer: nn.Module, inputs: Tensor, slope: Tensor) -> float:
    start = time.process_time()
    torch.autograd.grad(layer(inputs), [inputs, *layer.parameters()], slope)
    return time.process_time() - start


@pytest.mark.parametrize("case", CASES)
def test_ghosts_cost_little_more_than_batchnorm(case: str) -> None:
    shape, dtype, layout, wanted = CASES[case]
    inputs, slope = (
        torch.randn(shape, generator=stream(0, name)).to(dtype).contiguous(memory_format=layout) for name in "xs"
    )
    inputs.requires_grad_()
    channels = shape[1]
    plain = nn.BatchNorm2d(channels) if len(shape) == 4 else nn.BatchNorm1d(channels)
    layers = plain, GhostBatchNorm(channels, 128)
    rounds = [[seconds(layer, inputs, slope) for layer in layers] for _ in range(ROUNDS)]
    ratio = statistics.median(ghosts / whole for whole, ghosts in rounds)
    print(f"\n{case}: {ratio:.2f} times plain BatchNorm, at most {wanted} wanted")
    assert ratio <= wanted

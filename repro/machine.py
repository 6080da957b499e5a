"""What this machine computes with: threads, memory allocator, and matrix products that are fast and still float32."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch

WORKER_ENVIRONMENT = {
    # One thread a process: two processes of one thread beat one of two, and no barrier ever waits for another program.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    # glibc returns tensors above 32 MB to the system at every free; keeping them saves the page faults.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
    "THP_MEM_ALLOC_ENABLE": "1",
}
"""Environment variables for a process that trains or measures; they count only if set before it starts."""

FLOAT32_ERROR = 2e-6
"""Largest relative error of a matrix product that still passes for float32 (bfloat16 has about 2e-3)."""


@cache
def prepare() -> str:
    """Set this process up to compute on one thread, and return which float32 matrix products it uses.

    oneDNN's products are twice as fast as the default ones on some processors and plain float32 there; on others the
    same setting computes in bfloat16. So the setting is kept only where one measured product is as exact as float32.

    Returns:
        `"onednn"` or `"default"`.
    """
    torch.set_num_threads(1)
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # type: ignore[attr-defined]
    if product_error() <= FLOAT32_ERROR:
        return "onednn"
    torch.backends.mkldnn.matmul.fp32_precision = "none"  # type: ignore[attr-defined]
    return "default"


def product_error() -> float:
    """Largest error of a 512 x 1000 x 384 float32 product against float64, as a fraction of its largest entry."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(512, 1000, generator=generator)
    right = torch.randn(1000, 384, generator=generator)
    exact = left.double() @ right.double()
    return float(((left @ right).double() - exact).abs().max() / exact.abs().max())


@cache
def cpu_name() -> str:
    """The processor's name as the system gives it, or its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

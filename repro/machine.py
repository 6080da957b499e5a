"""What this machine computes with: device, threads, allocator, and products that are fast and still float32."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

from repro.errors import UsageError

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
    # cuBLAS adds in one order only with a workspace of fixed size.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""Environment variables for a process that trains or measures; they count only if set before it starts."""

CPU = torch.device("cpu")

FLOAT32_ERROR = 2e-6
"""Largest relative error of a matrix product that still passes for float32 (bfloat16 has about 2e-3)."""


def device() -> torch.device:
    """Where networks are trained and measured: what `REPRO_DEVICE` names, by default the processor.

    Raises:
        UsageError: it names neither `cpu` nor `cuda` or `cuda:N`, or a GPU that torch does not find here.
    """
    named = os.environ.get("REPRO_DEVICE") or "cpu"
    if named == "cpu":
        return CPU
    wanted = re.fullmatch(r"cuda(?::(0|[1-9]\d*))?", named)
    if wanted is None:
        raise UsageError(f"REPRO_DEVICE={named!r} must be cpu, cuda or cuda:N; leave it unset for the processor.")
    found = torch.cuda.device_count()
    if int(wanted[1] or 0) >= found:
        raise UsageError(
            f"REPRO_DEVICE={named!r}: torch {torch.__version__} finds {found} GPUs here; leave it unset for the "
            "processor, or install a build of torch for your GPU."
        )
    return torch.device(named)


@cache
def prepare() -> str:
    """Set this process up to compute on one thread, and return which float32 matrix products it uses.

    oneDNN's products are twice as fast as the default ones on some processors and plain float32 there; on others the
    same setting computes in bfloat16. So the setting is kept only where one measured product is as exact as float32.

    Returns:
        `"onednn"` or `"default"`.
    """
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True
    _set_gpu_precision(*_FLOAT32)
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # type: ignore[attr-defined]
    if _exact("bf16"):
        return "onednn"
    torch.backends.mkldnn.matmul.fp32_precision = "none"  # type: ignore[attr-defined]
    return "default"


@contextmanager
def in_float32() -> Iterator[None]:
    """In the block, products and convolutions of float32 are as exact as float32, whatever the user has set.

    On a GPU cuDNN's default is TF32, of ten bits; on a processor with bfloat16 units oneDNN may be set to use them.
    """
    gpu = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    matmul, conv = torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv  # type: ignore[attr-defined]
    processor = matmul.fp32_precision, conv.fp32_precision
    _set_gpu_precision(*_FLOAT32)
    if not _exact(matmul.fp32_precision):
        matmul.fp32_precision = "ieee"
    if conv.fp32_precision != "none":
        conv.fp32_precision = "ieee"
    try:
        yield
    finally:
        _set_gpu_precision(*gpu)
        matmul.fp32_precision, conv.fp32_precision = processor


@cache
def _exact(setting: str) -> bool:
    """Whether one measured product is as exact as float32 under the setting of oneDNN that is now in force."""
    return setting in ("none", "ieee") or product_error() <= FLOAT32_ERROR


_FLOAT32 = ("ieee", "ieee")


def _set_gpu_precision(products: str, convolutions: str) -> None:
    torch.backends.cuda.matmul.fp32_precision = products
    torch.backends.cudnn.conv.fp32_precision = convolutions  # type: ignore[attr-defined]


def product_error() -> float:
    """Largest error of a 512 x 1000 x 384 float32 product against float64, as a fraction of its largest entry."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(512, 1000, generator=generator)
    right = torch.randn(1000, 384, generator=generator)
    exact = left.double() @ right.double()
    return float(((left @ right).double() - exact).abs().max() / exact.abs().max())


def computer_name() -> str:
    """What computes here: the processor's name, and the GPU's where `device` is one."""
    place = device()
    return cpu_name() if place == CPU else f"{torch.cuda.get_device_name(place)}, {cpu_name()}"


@cache
def cpu_name() -> str:
    """The processor's name as the system gives it, or its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

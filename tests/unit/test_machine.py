"""Fast float32 products are used only where a measured one is float32."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator

import pytest
import torch

from repro import machine
from repro.errors import UsageError
from repro.measure.borrow import undisturbed
from repro.runs.pool import pool


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    before = torch.backends.mkldnn.matmul.fp32_precision
    on_gpus = gpu_precision()
    machine.prepare.cache_clear()
    machine._exact.cache_clear()
    yield
    torch.backends.mkldnn.matmul.fp32_precision = before
    torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision = on_gpus
    machine.prepare.cache_clear()
    machine._exact.cache_clear()


def test_products_are_float32_after_preparing_whatever_the_processor() -> None:
    assert machine.prepare() in ("onednn", "default")
    assert machine.product_error() <= machine.FLOAT32_ERROR
    assert torch.get_num_threads() == 1


def test_a_bfloat16_product_would_not_pass() -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(64, 64, generator=generator) for _ in range(2))
    rounded = (left.bfloat16() @ right.bfloat16()).double()
    exact = left.double() @ right.double()
    assert (rounded - exact).abs().max() / exact.abs().max() > 100 * machine.FLOAT32_ERROR


@pytest.mark.parametrize(("error", "expected"), [(1e-7, "onednn"), (2e-3, "default")])
def test_the_setting_stays_only_where_the_measured_product_is_exact(
    error: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "product_error", lambda: error)
    assert machine.prepare() == expected
    assert torch.backends.mkldnn.matmul.fp32_precision == {"onednn": "bf16", "default": "none"}[expected]


def gpu_precision() -> tuple[str, str]:
    return torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision


@pytest.mark.parametrize(("error", "inside"), [(1e-7, "bf16"), (2e-3, "ieee")])
def test_what_is_measured_is_float32_whatever_the_user_has_set(
    error: float, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "product_error", lambda: error)
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # what torch.set_float32_matmul_precision("medium") sets
    with undisturbed(torch.nn.Linear(2, 2)):
        assert torch.backends.mkldnn.matmul.fp32_precision == inside
    assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"


def test_convolutions_that_are_measured_are_float32_too_and_the_setting_is_given_back() -> None:
    convolutions = torch.backends.mkldnn.conv
    before, convolutions.fp32_precision = convolutions.fp32_precision, "bf16"
    try:
        with undisturbed(torch.nn.Linear(1, 1)):
            assert convolutions.fp32_precision == "ieee"
        assert convolutions.fp32_precision == "bf16"
    finally:
        convolutions.fp32_precision = before


def test_gpus_train_in_float32_and_their_convolutions_add_in_one_order() -> None:
    machine.prepare()
    assert gpu_precision() == ("ieee", "ieee")
    assert torch.backends.cudnn.deterministic


def test_what_is_measured_on_a_gpu_is_float32_and_the_setting_is_given_back() -> None:
    torch.backends.cudnn.conv.fp32_precision = "tf32"
    before = gpu_precision()
    with undisturbed(torch.nn.Linear(1, 1)):
        assert gpu_precision() == ("ieee", "ieee")
    assert gpu_precision() == before


@pytest.mark.parametrize(
    ("named", "expected"), [(None, "cpu"), ("", "cpu"), ("cpu", "cpu"), ("cuda", "cuda"), ("cuda:1", "cuda:1")]
)
def test_networks_are_where_the_environment_says(
    named: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index or 0}")
    monkeypatch.delenv("REPRO_DEVICE", raising=False)
    if named is not None:
        monkeypatch.setenv("REPRO_DEVICE", named)
    assert machine.device() == torch.device(expected)
    gpu = {"cuda": "GPU 0, ", "cuda:1": "GPU 1, "}.get(expected, "")
    assert machine.computer_name() == gpu + machine.cpu_name()


@pytest.mark.parametrize(
    ("named", "rule"),
    [
        ("gpu", "must be cpu, cuda or cuda:N"),
        ("cuda:first", "must be cpu, cuda or cuda:N"),
        ("cuda:", "must be cpu, cuda or cuda:N"),
        ("cuda:01", "must be cpu, cuda or cuda:N"),
        ("cuda:-1", "must be cpu, cuda or cuda:N"),
        ("cuda:2", "finds 2 GPUs here"),
    ],
)
def test_a_device_that_is_not_here_is_refused(named: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("REPRO_DEVICE", named)
    with pytest.raises(UsageError, match=f"REPRO_DEVICE='{named}'.*{rule}"):
        machine.device()


def test_workers_have_the_environment_and_their_parent_keeps_its_own() -> None:
    name = "MALLOC_TOP_PAD_"
    before = os.environ.get(name)
    with pool(1) as executor:
        assert executor.submit(os.getenv, name).result() == machine.WORKER_ENVIRONMENT[name]
        assert executor.submit(torch.get_num_threads).result() == 1
    assert os.environ.get(name) == before


def test_processes_that_are_not_its_workers_outlive_a_pool() -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    with pool(1) as executor:
        executor.submit(int).result()
    assert other.is_alive()
    other.terminate()
    other.join()


def test_no_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="workers=0"), pool(0):
        pass

"""Fast float32 products are used only where a measured one is float32."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from repro import machine
from repro.runs.pool import pool


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    before = torch.backends.mkldnn.matmul.fp32_precision
    machine.prepare.cache_clear()
    yield
    torch.backends.mkldnn.matmul.fp32_precision = before
    machine.prepare.cache_clear()


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


def test_workers_have_the_environment_and_their_parent_keeps_its_own() -> None:
    name = "MALLOC_TOP_PAD_"
    before = os.environ.get(name)
    with pool(1) as executor:
        assert executor.submit(os.getenv, name).result() == machine.WORKER_ENVIRONMENT[name]
        assert executor.submit(torch.get_num_threads).result() == 1
    assert os.environ.get(name) == before


def test_no_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="workers=0"), pool(0):
        pass

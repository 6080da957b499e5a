"""A second device without a GPU: tensors that say they are on `meta`, and keep their numbers on the CPU.

As on a GPU, an operation on tensors of two devices is an error, scalars apart, and so is a NumPy array of a tensor
there. What runs on it puts every tensor on the right device; how a GPU rounds, and how fast it is, it cannot tell.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
_OPTIMIZER = import_module("torch.optim.optimizer")
_ACROSS = (torch.ops.aten.copy_.default,)
"""Operations whose tensors may be on two devices."""


@contextmanager
def stand_in_device() -> Iterator[torch.device]:
    """Lend a device to the block."""
    autocast = torch.autocast
    with (
        mock.patch("torch.autocast", lambda kind, *given, **named: autocast(_real(kind), *given, **named)),
        mock.patch.object(_OPTIMIZER, "_get_fused_kernels_supported_devices", return_value=["cpu", DEVICE.type]),
        warnings.catch_warnings(),
        _Everywhere(),
    ):
        warnings.filterwarnings("ignore", "for .*: copying from a non-meta parameter")  # which is done all the same
        yield DEVICE


class _There(Tensor):
    """A tensor on the device."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> _There:
        made: _There = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=DEVICE,
        )
        made.numbers = numbers
        return made

    @classmethod
    def __torch_dispatch__(cls, operation: Any, _: Any, given: Any = (), named: Any = None) -> Any:
        return _carry_out(operation, given, named or {})

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.numbers.__reduce_ex__(protocol)


class _Everywhere(TorchDispatchMode):
    """Also looks at operations on no tensor of the device, such as those that make one there."""

    def __torch_dispatch__(self, operation: Any, _: Any, given: Any = (), named: Any = None) -> Any:
        return _carry_out(operation, given, named or {})


def _carry_out(operation: Any, given: Any, named: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((given, named)) if isinstance(leaf, Tensor)]
    there = {id(tensor.numbers): tensor for tensor in tensors if isinstance(tensor, _There)}
    here = [tensor for tensor in tensors if not isinstance(tensor, _There) and tensor.ndim > 0]
    if there and here and operation not in _ACROSS:
        raise RuntimeError(f"{operation}: tensors are on {DEVICE} and on cpu.")
    stays = bool(there) and operation is not torch.ops.aten._local_scalar_dense.default
    if operation in _ACROSS:
        stays = isinstance(given[0], _There)
    if named.get("device") is not None:
        stays = torch.device(named["device"]) == DEVICE
        named = {**named, "device": torch.device("cpu")}
    found = operation(*tree_map(_numbers, given), **tree_map(_numbers, named))

    def placed(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return there.get(id(value)) if id(value) in there else _There(value) if stays else value

    return tree_map(placed, found)


def _numbers(value: Any) -> Any:
    return value.numbers if isinstance(value, _There) else value


def _real(kind: str) -> str:
    return "cpu" if kind == DEVICE.type else kind

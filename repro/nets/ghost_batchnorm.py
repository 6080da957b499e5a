"""Ghost batch normalisation (Hoffer et al. 2017, algorithm 1): a large batch normalised in small parts.

The ghosts of a batch are its consecutive runs of `ghost_size` examples. If that does not divide the batch, the last
ghost is what remains, normalised by its own statistics: what `nn.BatchNorm` does on `inputs.split(ghost_size)`. So one
image alone in a ghost is normalised over its pixels, and one vector alone is an error (training refuses both). An
example's weight in the loss does not depend on its ghost.

The same gradient comes from plain BatchNorm on one micro-batch after another (`repro.train.accumulation`).
"""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from repro.errors import UsageError
from repro.nets.ghost_normalise import normalise_ghosts
from repro.nets.ghost_statistics import Convention, running_weights


class GhostBatchNorm(_BatchNorm):
    """BatchNorm in whose training mode each ghost is normalised by its own mean and variance.

    Takes `(B, C)`, `(B, C, H, W)` and any `(B, C, ...)`. In evaluation mode, and on a batch of one ghost, it is
    `nn.BatchNorm`, bit for bit; parameters, buffers and their names are the same, and so are their starting values.
    `num_batches_tracked` counts ghosts.

    Args:
        num_features: C, channels.
        ghost_size: examples in a ghost.
        eps: ε, added to each variance.
        momentum: η of the running statistics, a fraction; `None` weighs all ghosts ever seen alike.
        affine: whether there is a weight and a bias for each channel.
        track_running_stats: whether statistics are remembered; without, evaluation uses the batch's own.
        running: how a batch of several ghosts moves what is remembered, see `repro.nets.ghost_statistics`.
        bias: whether `affine` includes the bias.

    Raises:
        UsageError: `ghost_size` is below 1, `running` is unknown, or `momentum=None` with another `running`
            than `sequential`; at a call, a ghost that has one value a channel.
    """

    def __init__(
        self,
        num_features: int,
        ghost_size: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        running: Convention = "sequential",
        bias: bool = True,
    ) -> None:
        _check(ghost_size, momentum, running)
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias=bias)
        self.ghost_size, self.running = ghost_size, running

    def forward(self, input: Tensor) -> Tensor:
        """Normalise `input`, shape `(B, C, ...)`; the output has the same shape."""
        if not self.training or len(input) <= self.ghost_size:
            return super().forward(input)
        self._check_input_dim(input)
        self._check_last_ghost(input)
        output, means, variances = normalise_ghosts(
            input, self.weight, self.bias, ghost_size=self.ghost_size, eps=self.eps
        )
        if self.track_running_stats:
            self._remember(means, variances, [len(ghost) for ghost in torch.split(input, self.ghost_size)])
        return output

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        plain = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{plain}, ghost_size={self.ghost_size}, running={self.running!r}"

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise UsageError(
                f"inputs of shape {tuple(input.shape)} must be (batch, {self.num_features}, ...); "
                "build the layer for another number of channels."
            )

    def _check_last_ghost(self, input: Tensor) -> None:
        batch, size = len(input), self.ghost_size
        last = batch % size or size
        if last * input[0, 0].numel() == 1:
            other = next(candidate for candidate in range(size + 1, batch + 1) if batch % candidate != 1)
            raise UsageError(
                f"ghost_size={size} leaves one example of a batch of {batch} in a ghost of its own, and one value has "
                f"no variance; pass another ghost_size, for example {other}, or another batch."
            )

    def _remember(self, means: Tensor, variances: Tensor, sizes: list[int]) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        seen = int(self.num_batches_tracked.add_(len(sizes)))
        keep, weights = self._weights(sizes, seen)
        shares = torch.tensor(weights, dtype=torch.float64).to(means)
        self.running_mean.mul_(keep).add_(shares @ means)
        if self.running == "paper":
            self.running_var.sqrt_().mul_(keep).add_(shares @ variances.sqrt()).square_()
        else:
            self.running_var.mul_(keep).add_(shares @ variances)

    def _weights(self, sizes: list[int], seen: int) -> tuple[float, list[float]]:
        if self.momentum is None:
            return 1 - len(sizes) / seen, [1 / seen] * len(sizes)
        return running_weights(sizes, self.momentum, self.running)


def ghostify(model: nn.Module, ghost_size: int, *, running: Convention = "sequential") -> nn.Module:
    """Put a `GhostBatchNorm` in the place of every BatchNorm layer of `model`, which is changed and returned.

    The parameters and buffers are the very tensors of the layers replaced, so an optimiser that holds them, and a
    state dictionary saved before, still fit. Hooks on the layers are not taken over. A model that is itself one
    BatchNorm layer cannot be changed from within: use what is returned.

    Args:
        model: any network with BatchNorm1d, 2d or 3d layers, or with ghosts of another size.
        ghost_size: examples in a ghost.
        running: how the running statistics move, see `repro.nets.ghost_statistics`.

    Raises:
        UsageError: there is no BatchNorm layer, or one of another kind, such as SyncBatchNorm; or as `GhostBatchNorm`.
    """
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, _BatchNorm)}
    if not layers:
        raise UsageError(f"a {type(model).__name__} without BatchNorm layers has no ghosts; leave its ghost_size out.")
    ghosts = {layer: _converted(name, layer, ghost_size, running) for name, layer in layers.items()}
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):  # named_children() leaves out a second use of one layer
            if isinstance(child, _BatchNorm):
                setattr(parent, name, ghosts[child])
    return ghosts[model] if isinstance(model, _BatchNorm) else model


def _converted(name: str, layer: _BatchNorm, ghost_size: int, running: Convention) -> GhostBatchNorm:
    if type(layer) not in (GhostBatchNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
        raise UsageError(f"layer {name!r} is a {type(layer).__name__}; only BatchNorm1d, 2d and 3d can have ghosts.")
    with torch.device("meta"):  # no storage: the tensors are the layer's own
        ghost = GhostBatchNorm(
            layer.num_features,
            ghost_size,
            layer.eps,
            layer.momentum,
            layer.affine,
            layer.track_running_stats,
            running=running,
            bias=layer.bias is not None,
        )
    for own, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
        setattr(ghost, own, tensor)
    return ghost.train(layer.training)


def _check(ghost_size: int, momentum: float | None, running: str) -> None:
    if type(ghost_size) is not int or ghost_size < 1:
        raise UsageError(f"ghost_size={ghost_size!r} must be a whole number of examples, at least 1; 128 is usual.")
    if running not in get_args(Convention):
        raise UsageError(f"running={running!r} must be one of {', '.join(get_args(Convention))}.")
    if momentum is None and running != "sequential":
        raise UsageError(f"running={running!r} needs a momentum; pass a fraction such as 0.1, or running='sequential'.")

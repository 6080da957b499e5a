"""How much of a mini-batch's gradient is noise, from the lengths of gradients of two batch sizes.

G is the gradient of the expected loss, Σ the covariance of one example's gradient, and `E|g_B|² = |G|² + tr Σ / B`:
two batch sizes give two equations for the two unknowns (McCandlish et al. 2018, appendix A).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.data.tensors import as_float
from repro.errors import UsageError
from repro.measure.batchnorm import batchnorm_layers
from repro.measure.borrow import borrowed


@dataclass(frozen=True)
class GradientNoise:
    """The two parts of a squared gradient; each is unbiased, either may come out negative, their ratio is biased.

    Attributes:
        squared_gradient: estimate of `|G|²`, in squared units of loss per unit of weight.
        trace: estimate of `tr Σ`, of one example's gradient, in the same unit.
    """

    squared_gradient: float
    trace: float

    def simple_noise_scale(self) -> float:
        """`B_simple = tr Σ / |G|²`, in examples (McCandlish et al. 2018, eq. 2.9).

        Raises:
            UsageError: the estimate of `|G|²` is not positive.
        """
        if not self.squared_gradient > 0:
            raise UsageError(
                f"squared_gradient={self.squared_gradient} must be positive; "
                "estimate it from squared norms averaged over more steps."
            )
        return self.trace / self.squared_gradient


class SquaredNorms(NamedTuple):
    """Squared lengths of gradients at one set of weights, in (loss per unit of weight)².

    Attributes:
        small: `|g|²` of a small batch's mean gradient, averaged over the small batches.
        large: `|g|²` of the mean of all their gradients, which is that of one large batch.
    """

    small: float
    large: float


def squared_norms(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> SquaredNorms:
    """Both squared lengths that `gradient_noise` needs, from small batches of one size.

    The network is in evaluation mode but for BatchNorm, which normalises each small batch by itself, so that they
    stay independent, and what is an example elsewhere is a batch that is normalised together. The large batch is
    all of them; both estimates are linear in the squared lengths, so it may share examples with the small ones.
    The model, its statistics and its gradients are given back as they were.

    Args:
        model: float32, on the device of the batches.
        batches: at least two of inputs `(b, ...)` and labels `(b, ...)`, examples drawn independently; uint8 pixels
            are divided by 255.
        loss: takes the model's outputs and labels, gives their mean loss.

    Raises:
        UsageError: there are fewer than two batches, or their sizes differ.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    total, squares, sizes = [torch.zeros_like(parameter) for parameter in parameters], 0.0, list[int]()
    with borrowed(model), torch.enable_grad():
        model.eval()
        for layer in batchnorm_layers(model).values():
            layer.train()
        for inputs, labels in batches:
            slopes = torch.autograd.grad(loss(model(as_float(inputs)), labels), parameters, materialize_grads=True)
            for kept, slope in zip(total, slopes, strict=True):
                kept += slope
            squares += _squared(slopes)
            sizes.append(len(labels))
    if len(sizes) < 2 or len(set(sizes)) > 1:
        raise UsageError(f"batches of {sizes} examples must be at least two, all of one size.")
    return SquaredNorms(squares / len(sizes), _squared(total) / len(sizes) ** 2)


def gradient_noise(
    *, small_batch: int, large_batch: int, small_squared_norm: float, large_squared_norm: float
) -> GradientNoise:
    """The two parts that explain both squared norms (McCandlish et al. 2018, appendix A).

    Linear in the squared norms. For the noise scale average them over many steps, then call this once: one step's
    ratio is biased. Examples must be drawn with replacement, or from a data set much larger than the batches.

    Args:
        small_batch: B_small, examples.
        large_batch: B_big, examples, more than `small_batch`.
        small_squared_norm: `|g|²` of a small batch's mean gradient, or its average, in (loss per unit of weight)².
        large_squared_norm: the same of a large batch.

    Raises:
        UsageError: the batches are not whole numbers in rising order, or a squared norm is negative or not finite.
    """
    if not (type(small_batch) is type(large_batch) is int and 1 <= small_batch < large_batch):
        raise UsageError(
            f"small_batch={small_batch} and large_batch={large_batch} must be whole numbers of examples, "
            "at least 1 and the second larger; pass two batch sizes, for example 64 and 1024."
        )
    for name, value in (("small_squared_norm", small_squared_norm), ("large_squared_norm", large_squared_norm)):
        if not (isfinite(value) and value >= 0):
            raise UsageError(f"{name}={value} must be finite and not negative; leave out steps that diverged.")
    squared_gradient = (large_batch * large_squared_norm - small_batch * small_squared_norm) / (
        large_batch - small_batch
    )
    trace = (small_squared_norm - large_squared_norm) / (1 / small_batch - 1 / large_batch)
    return GradientNoise(squared_gradient, trace)


def _squared(parts: Iterable[Tensor]) -> float:
    """The squared length of all parts together, summed in float64."""
    return sum(float(torch.linalg.vector_norm(part, dtype=torch.float64)) ** 2 for part in parts)

"""How much of a mini-batch's gradient is noise, from the lengths of gradients of two batch sizes.

G is the gradient of the expected loss, Σ the covariance of one example's gradient, and `E|g_B|² = |G|² + tr Σ / B`:
two batch sizes give two equations for the two unknowns (McCandlish et al. 2018, appendix A).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from repro.errors import UsageError


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

"""Which batch is worth its cost: from seconds a call, and from the examples that an accuracy takes.

`t(b) = a + c b` are the seconds of an update. An accuracy takes S updates and E = B S examples with
`(S / S_min - 1) (E / E_min - 1) = 1` (McCandlish et al. 2018, eq. 2.11), which is the line `E(B) = E_min + S_min B`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from repro.errors import UsageError
from repro.measure.affine import Affine, fit_affine

BYTES = 4
"""Of one parameter, or of one entry of the gradient, in float32."""


def saturation(cost: Affine, share: float) -> float:
    """The batch from which the overhead `a` is at most `share` of a call's work: `a / (c b) = share`, in examples.

    Args:
        cost: seconds of a call.
        share: of the seconds that the examples take, a fraction above 0.

    Raises:
        UsageError: `share` is not positive, or the cost does not grow with the batch.
    """
    if not share > 0:
        raise UsageError(f"share={share} must be positive, for example 0.1.")
    return max(0.0, cost.balance / share)


def need(batches: Sequence[float], updates: Sequence[float]) -> Affine:
    """`E(B) = E_min + S_min B`: examples until an accuracy; `balance` is the critical batch `E_min / S_min` (eq. 2.12).

    Args:
        batches: B, examples per update; at least three different ones, each at the best of its learning rates.
        updates: S, until the accuracy.

    Raises:
        UsageError: as `repro.measure.affine.fit_affine`.
    """
    return fit_affine(batches, [batch * count for batch, count in zip(batches, updates, strict=True)])


def cheapest_batch(cost: Affine, needed: Affine) -> float:
    """The batch that reaches the accuracy in the fewest seconds on one processor, in examples.

    `S(B) t(B) = (S_min + E_min / B) (a + c B)` is least at `B² = (E_min / S_min) (a / c)`: the geometric mean of the
    critical batch and of the batch whose work takes as long as its overhead.

    Raises:
        UsageError: one of the two does not grow with the batch.
    """
    return sqrt(max(0.0, needed.balance) * max(0.0, cost.balance))


def bytes_moved(updates: float, parameters: int) -> float:
    """Bytes of gradients sent and of parameters fetched where each update exchanges both once."""
    return 2 * BYTES * parameters * updates

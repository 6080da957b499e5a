"""How the statistics that BatchNorm remembers for evaluation move when a batch has K ghosts.

With r what is remembered and sᵢ the ghosts' means (or variances, divisor n - 1), one update is `r ← k r + Σ wᵢ sᵢ`.

| convention | k | wᵢ, i from 1 to K | who |
|---|---|---|---|
| sequential | (1 - η)ᴷ | η (1 - η)ᴷ⁻ⁱ | BatchNorm on each ghost in turn: Hoffer et al. 2017's code, TabNet |
| divided | (1 - η/K)ᴷ | η/K (1 - η/K)ᴷ⁻ⁱ | the same with momentum η/K: composer |
| averaged | 1 - η | η nᵢ/B | one step to the mean over examples: ghost-noise |
| paper | (1 - η)ⁿ, n = n₁ | η (1 - η)ⁱ | Hoffer et al. 2017, algorithm 1, to the letter |

η is `momentum`, nᵢ the ghost's examples, B the batch's. One moving average for each of K equal ghosts, averaged where
they are used (cifar10-fast), is `averaged`. The first three keep r where all sᵢ = r, since their weights add up to 1;
the fourth does not. It also averages standard deviations where the others average variances.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Convention = Literal["sequential", "divided", "averaged", "paper"]


def running_weights(sizes: Sequence[int], momentum: float, convention: Convention) -> tuple[float, list[float]]:
    """k and the weights wᵢ of one update, as in the table above; dimensionless.

    Args:
        sizes: nᵢ, examples in each of the K ghosts.
        momentum: η, a fraction.
        convention: the row of the table.
    """
    ghosts = len(sizes)
    if convention == "averaged":
        return 1 - momentum, [momentum * size / sum(sizes) for size in sizes]
    if convention == "paper":
        return (1 - momentum) ** sizes[0], [momentum * (1 - momentum) ** i for i in range(1, ghosts + 1)]
    rate = momentum / ghosts if convention == "divided" else momentum
    return (1 - rate) ** ghosts, [rate * (1 - rate) ** (ghosts - i) for i in range(1, ghosts + 1)]

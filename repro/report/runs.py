"""What tables and figures of whole runs have in common: their final accuracies, and their curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from repro.claims.evidence import Observation
from repro.report.results import Place, Results
from repro.report.seeds import Points

Curve = Callable[[Observation], Points]
"""The curve of the run that a number was read from."""

DRAWN = "Thin lines are runs, thick lines their means with 95 % intervals."
"""Said under a figure of such curves."""


def final_accuracies(
    results: Results, place: Place, rows: Mapping[str, tuple[str, str]], quantity: str = "test-accuracy"
) -> dict[str, list[Observation]]:
    """The final test accuracies of every arm, one a seed; or another quantity of its runs.

    Args:
        results: of one profile.
        place: where they were measured.
        rows: by arm, the claim and the row that have them.
        quantity: for example `test-loss`.
    """
    return {arm: results.select(place, claim, quantity, arm, row) for arm, (claim, row) in rows.items()}


def accuracy_curve(results: Results, x: str, split: str = "test") -> Curve:
    """Accuracy in percent against `x`, `epoch` or `update`."""

    def curve(run: Observation) -> Points:
        return [(row[x], 100 * row[f"{split}_accuracy"]) for row in results.epochs.get(run.spec, ())]

    return curve


def test_error_curve(results: Results, x: str) -> Curve:
    """Test error in percent against `x`, `epoch` or `update`."""
    accuracy = accuracy_curve(results, x)
    return lambda run: [(at, 100 - value) for at, value in accuracy(run)]


def loss_curve(results: Results, x: str, split: str = "test") -> Curve:
    """Loss in nats against `x`, `epoch` or `update`."""

    def curve(run: Observation) -> Points:
        return [(row[x], row[f"{split}_loss"]) for row in results.epochs.get(run.spec, ())]

    return curve

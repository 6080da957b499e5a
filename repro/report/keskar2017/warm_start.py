"""Fig. 5: a large batch that takes over after some epochs of the small one."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.origin import data_set
from repro.report.results import Place, Results
from repro.report.seeds import Points, curves, sentence

_EPOCHS = "epochs of the small batch before"


def figure_5(results: Results) -> Exhibit:
    """Test accuracy and sharpness of what the large batch makes of each snapshot."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        accuracy = results.select(place, "K8", "test-accuracy", variant="accuracy")
        sharp = results.select(place, "K8", "sharpness")
        if curves(accuracy) or curves(sharp):
            figure = Figure(f"{results.profile}-{place.network}-fig5", [_panels(results, place, accuracy, sharp)])
            words = sentence({"test accuracy": accuracy, "sharpness": sharp})
            figures.append((figure, f"{place.network} on {data_set(results, *place)}: {words}."))
        used += [*accuracy, *sharp]
    return Exhibit("Fig. 5: warm start", used, figures=figures)


def _panels(
    results: Results, place: Place, accuracy: Sequence[Observation], sharp: Sequence[Observation]
) -> list[Panel]:
    title = f"{place.network}, {place.dataset}"
    lines = [
        Line("small batch alone", "SB", _parents(results, accuracy)),
        Line("continued by the large batch", "LB", curves(accuracy)),
    ]
    continued = [Line("continued by the large batch", "LB", curves(sharp))]
    return [
        Panel(title, _EPOCHS, "test accuracy, percent", lines, share=True),
        Panel(title, _EPOCHS, "sharpness φ, %", continued, log_y=True),
    ]


def _parents(results: Results, rows: Sequence[Observation]) -> dict[str, Points]:
    """The small-batch run's own test accuracy: the first run that each number rests on."""
    found = {str(each.seed): results.epochs.get(each.spec.partition(" ")[0], ()) for each in rows}
    return {
        seed: [(float(row["epoch"]), 100 * row["test_accuracy"]) for row in epochs]
        for seed, epochs in sorted(found.items())
        if epochs
    }

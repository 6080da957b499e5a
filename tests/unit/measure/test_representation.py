"""A linear probe against the conditions of its optimum, nearest neighbours against loops."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import pytest
import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure import linear_probe, nearest_neighbours
from repro.streams import stream


def blobs(count: int, spread: float, of: object = 0, classes: int = 3, size: int = 5) -> tuple[Tensor, Tensor]:
    """Points around one centre for each class."""
    centres = 3 * torch.eye(classes, size)
    labels = torch.arange(count) % classes
    return centres[labels] + spread * torch.randn(count, size, generator=stream(0, "blobs", of)), labels


def accuracy(guess: Tensor, labels: Tensor) -> float:
    return float((guess == labels).double().mean())


def test_a_probe_tells_classes_apart_that_a_plane_separates_and_guesses_where_labels_are_shuffled() -> None:
    (known, labels), (other, truth) = blobs(90, 0.3), blobs(60, 0.3, 1)
    assert accuracy(linear_probe(known, labels, other), truth) == 1
    random = labels[torch.randperm(90, generator=stream(0, "shuffle"))]
    assert accuracy(linear_probe(known, random, other, ridge=1.0), truth) < 0.7


def logistic(known: Tensor, labels: Tensor, other: Tensor, ridge: float) -> Tensor:
    """Scores of the same classifier by plain gradient descent, many small steps."""
    mean, deviation = known.mean(0), known.std(0)
    x, y = ((each - mean) / deviation for each in (known, other))
    weights, bias = torch.zeros(x.shape[1], 3, dtype=x.dtype), torch.zeros(3, dtype=x.dtype)
    for _ in range(20_000):
        wrong = ((x @ weights + bias).softmax(1) - torch.eye(3)[labels]) / len(x)
        weights, bias = weights - 0.2 * (x.T @ wrong + ridge * weights), bias - 0.2 * wrong.sum(0)
    return y @ weights + bias


def test_the_probe_is_the_optimum_that_gradient_descent_finds() -> None:
    (known, labels), (other, _) = blobs(60, 2.0), blobs(200, 2.0, 1)
    known, other = known.double(), other.double()
    for ridge in (0.01, 1.0):
        assert torch.equal(
            linear_probe(known, labels, other, ridge=ridge), logistic(known, labels, other, ridge).argmax(1)
        )
    assert not torch.equal(
        linear_probe(known, labels, other, ridge=0.01), linear_probe(known, labels, other, ridge=10.0)
    )


@pytest.mark.parametrize(("iterations", "factor"), [(3, 1.0), (200, float("nan"))])
def test_a_probe_whose_optimum_was_not_found_is_an_error(
    iterations: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.measure.representation._ITERATIONS", iterations)
    (known, labels), (other, _) = blobs(90, 2.0), blobs(60, 2.0, 1)
    with pytest.raises(UsageError, match=rf"ridge=0\.001: after {iterations} iterations.*pass a larger ridge"):
        linear_probe(factor * known, labels, other)


def test_the_probe_does_not_see_the_unit_of_a_feature_nor_one_that_is_constant() -> None:
    (known, labels), (other, _) = blobs(60, 2.0), blobs(200, 2.0, 1)
    expected = linear_probe(known, labels, other)
    units = torch.tensor([1.0, 1e3, 1e-3, 7.0, 1.0])
    assert torch.equal(linear_probe(known * units + 5, labels, other * units + 5), expected)
    widened = [torch.cat([each, torch.full((len(each), 1), 4.0)], 1) for each in (known, other)]
    assert torch.equal(linear_probe(widened[0], labels, widened[1]), expected)


def by_loops(known: Tensor, labels: Tensor, other: Tensor, k: int) -> list[int]:
    def cosine(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True)) / sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    guesses = []
    for query in other.tolist():
        ranked = sorted(range(len(known)), key=lambda i: -cosine(query, known[i].tolist()))
        votes = Counter(int(labels[i]) for i in ranked[:k])
        guesses.append(min(votes, key=lambda label: (-votes[label], label)))
    return guesses


@pytest.mark.parametrize("k", [1, 4, 20])
def test_neighbours_vote_by_the_cosine_and_ties_go_to_the_smallest_class(k: int) -> None:
    (known, labels), (other, _) = blobs(40, 3.0), blobs(30, 3.0, 1)
    known, other = known.double(), other.double()
    assert nearest_neighbours(known, labels, other, k=k).tolist() == by_loops(known, labels, other, k)
    lengths = torch.rand(40, 1, generator=stream(0, "lengths")) + 0.1
    assert nearest_neighbours(known * lengths, labels, other, k=k).tolist() == by_loops(known, labels, other, k)


@pytest.mark.parametrize("k", [0, 41])
def test_as_many_neighbours_as_there_are_can_vote(k: int) -> None:
    (known, labels), (other, _) = blobs(40, 1.0), blobs(2, 1.0)
    with pytest.raises(UsageError, match=f"k={k} must lie between 1 and the 40 training examples"):
        nearest_neighbours(known, labels, other, k=k)


def test_a_probe_without_a_ridge_is_refused() -> None:
    known, labels = blobs(9, 1.0)
    with pytest.raises(UsageError, match=r"ridge=0\.0 must be above 0"):
        linear_probe(known, labels, known, ridge=0.0)


def test_features_that_do_not_fit_together_are_refused() -> None:
    known, labels = blobs(9, 1.0)
    for classify in (linear_probe, nearest_neighbours):
        with pytest.raises(UsageError, match=r"must be \(n, d\), \(n,\) and \(m, d\)"):
            classify(known, labels, known[:, :3])

"""Whatever is measured, the network comes back bit for bit; and its BatchNorm mode is the one asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.errors import DataError, UsageError
from repro.measure import NetworkObjective, borrowed, load_vector_, population_statistics, to_vector
from repro.measure.objective import Evaluation
from repro.nets import glorot_uniform_
from repro.streams import stream


def network() -> nn.Sequential:
    """Two BatchNorms and a dropout, in modes, gradients and frozen parts that a clumsy user would notice."""
    layers = [nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5)]
    model = nn.Sequential(*layers, nn.Linear(5, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)).double()
    glorot_uniform_(model, stream(0, "init"))
    model[1].eval()
    model[4].weight.requires_grad_(False)
    model[0].weight.grad = torch.full((5, 4), torch.nan, dtype=torch.float64)
    return model


def examples(count: int) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(count, 4, generator=stream(0, "inputs"), dtype=torch.float64)
    return inputs, torch.randint(3, (count,), generator=stream(0, "labels"))


def bits(tensor: Tensor | None) -> bytes | None:
    return None if tensor is None else tensor.detach().contiguous().numpy().tobytes()


def everything(model: nn.Module) -> list[object]:
    """All that a measurement might disturb, in a form that tells NaN from NaN and 0 from -0."""
    parameters = [(id(p), p.data_ptr(), p.dtype, bits(p), bits(p.grad), p.requires_grad) for p in model.parameters()]
    buffers = [(id(b), b.data_ptr(), bits(b)) for b in model.buffers()]
    return [parameters, buffers, [m.training for m in model.modules()], bits(torch.get_rng_state())]


MEASUREMENTS: dict[str, Callable[[NetworkObjective], object]] = {
    "value": lambda objective: objective.value(objective.start),
    "evaluate": lambda objective: objective.evaluate(objective.start),
    "value_and_grad": lambda objective: objective.value_and_grad(objective.start + 1),
    "hvp": lambda objective: objective.hvp(objective.start, objective.start),
}


@pytest.mark.parametrize("batchnorm", ["running", "batch"])
@pytest.mark.parametrize("measurement", MEASUREMENTS)
def test_an_objective_leaves_the_network_bit_for_bit(batchnorm: str, measurement: str) -> None:
    model = network()
    before = everything(model)
    objective = NetworkObjective(model, *examples(7), chunk=4, batchnorm=batchnorm)  # type: ignore[arg-type]
    MEASUREMENTS[measurement](objective)
    assert everything(model) == before


@pytest.mark.parametrize("measurement", MEASUREMENTS)
def test_an_objective_that_fails_leaves_the_network_bit_for_bit(measurement: str) -> None:
    model, (inputs, labels) = network(), examples(7)
    before = everything(model)
    labels[6] = 3
    with pytest.raises(DataError):
        MEASUREMENTS[measurement](NetworkObjective(model, inputs, labels, chunk=4))
    assert everything(model) == before


def test_statistics_are_found_without_a_trace() -> None:
    model = network()
    before = everything(model)
    population_statistics(model, examples(7)[0])
    assert everything(model) == before


def test_control_a_plain_training_pass_leaves_traces() -> None:
    with torch.random.fork_rng():
        model = network()
        before = everything(model)
        model(examples(7)[0])
        after = everything(model)
    parameters, buffers, modes, random_state = (a == b for a, b in zip(before, after, strict=True))
    assert (parameters, buffers, modes, random_state) == (True, False, True, False)


def wreck(model: nn.Sequential) -> None:
    """Do to a network all that should not be done to it."""
    torch.rand(3)
    model.train()(examples(7)[0]).sum().backward()
    load_vector_(model, 2 * to_vector(model))
    model[0].weight.grad.zero_()
    model[6].weight = nn.Parameter(torch.zeros(3, 5))
    model[1].running_mean = torch.zeros(5)
    model[5].running_var.zero_()
    model.requires_grad_(True)
    model.half()


def test_a_borrowed_network_comes_back_bit_for_bit() -> None:
    model = network()
    before = everything(model)
    with borrowed(model):
        wreck(model)
        assert everything(model) != before
    assert everything(model) == before


def test_a_borrowed_network_comes_back_from_an_error_too() -> None:
    model = network()
    before = everything(model)
    with pytest.raises(ZeroDivisionError), borrowed(model):
        wreck(model)
        raise ZeroDivisionError
    assert everything(model) == before


def test_a_gradient_taken_across_a_measurement_is_not_disturbed() -> None:
    model, (inputs, labels) = network(), examples(7)
    model.eval()
    loss = F.cross_entropy(model(inputs), labels)
    objective = NetworkObjective(model, inputs, labels)
    objective.value_and_grad(objective.start)
    loss.backward()  # raises if a parameter was written to in between


# BatchNorm's two modes


def by_hand(model: nn.Sequential, inputs: Tensor, labels: Tensor, chunk: int) -> Evaluation:
    """Each chunk normalised by its own mean and biased variance, without the dropout."""
    total, right = 0.0, 0
    for x, y in zip(inputs.split(chunk), labels.split(chunk), strict=True):
        for layer in model:
            if isinstance(layer, nn.BatchNorm1d):
                x = (x - x.mean(0)) / (x.var(0, correction=0) + layer.eps).sqrt() * layer.weight + layer.bias
            elif not isinstance(layer, nn.Dropout):
                x = layer(x)
        total += F.cross_entropy(x, y, reduction="sum").item()
        right += int((x.argmax(1) == y).sum())
    return Evaluation(total / len(inputs), right / len(inputs))


@pytest.mark.parametrize("chunk", [3, 4, 11])
def test_batch_mode_uses_each_chunks_own_statistics(chunk: int) -> None:
    model, data = network(), examples(11)
    objective = NetworkObjective(model, *data, chunk=chunk, batchnorm="batch")
    expected = by_hand(model, *data, chunk)
    assert objective.evaluate(objective.start) == pytest.approx(expected, rel=1e-13)


def test_the_two_modes_are_two_functions() -> None:
    model, data = network(), examples(11)
    running, batch = (NetworkObjective(model, *data, batchnorm=mode) for mode in ("running", "batch"))  # type: ignore[arg-type]
    assert abs(running.value(running.start) - batch.value(batch.start)) > 1e-2


def test_running_mode_is_evaluation_mode() -> None:
    model, (inputs, labels) = network(), examples(11)
    objective = NetworkObjective(model, inputs, labels)
    measured = objective.value(objective.start)
    assert measured == pytest.approx(F.cross_entropy(model.eval()(inputs), labels).item(), rel=1e-14)


@pytest.mark.parametrize(("count", "chunk"), [(9, 4), (1, 4), (6, 1)])
def test_one_example_alone_has_no_batch_statistics(count: int, chunk: int) -> None:
    with pytest.raises(UsageError, match=f"chunk={chunk} leaves one of {count} examples alone"):
        NetworkObjective(network(), *examples(count), chunk=chunk, batchnorm="batch")


def test_without_batchnorm_one_example_alone_is_welcome() -> None:
    objective = NetworkObjective(nn.Linear(4, 3), *examples(5), chunk=4, batchnorm="batch")
    assert objective.value(objective.start) > 0


def test_running_mode_needs_running_statistics() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False))
    with pytest.raises(UsageError, match=r"layers \['1'\] keep no running statistics; pass batchnorm='batch'"):
        NetworkObjective(model, *examples(5))
    assert NetworkObjective(model, *examples(5), batchnorm="batch").size == 21


def test_a_mode_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="batchnorm='eval' must be 'running' or 'batch'"):
        NetworkObjective(network(), *examples(5), batchnorm="eval")  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_a_layer_that_works_in_place_leaves_the_inputs_as_they_were(dtype: torch.dtype) -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(4, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.last(inputs.abs_().float())

    inputs = torch.tensor([[-1, 2, -3, 4]]).to(dtype)
    objective = NetworkObjective(InPlace(), inputs, torch.tensor([0]))
    objective.value(objective.start)
    assert inputs.tolist() == [[-1, 2, -3, 4]]

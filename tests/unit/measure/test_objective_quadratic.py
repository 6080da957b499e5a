"""The quadratic that other measurements are tested on, against its own formula."""

from __future__ import annotations

import pytest
import torch

from repro.errors import UsageError
from repro.measure import Objective, Quadratic


def test_a_diagonal_quadratic_is_its_formula() -> None:
    f: Objective = Quadratic(torch.tensor([1.0, -1.0]), torch.tensor([2.0, 4.0]), constant=3.0)
    y = torch.tensor([2.0, 3.0])
    assert f.value(y) == 3 + (2 - 3) + (2 * 4 + 4 * 9) / 2
    assert f.value_and_grad(y)[1].tolist() == [1 + 2 * 2, -1 + 4 * 3]
    assert f.hvp(y, torch.tensor([1.0, 1.0])).tolist() == [2, 4]
    assert (f.size, f.dtype) == (2, torch.float64)


def test_a_dense_quadratic_is_its_formula() -> None:
    f = Quadratic(torch.tensor([1.0, 0.0]), torch.tensor([[2.0, 1.0], [1.0, 0.0]]))
    y = torch.tensor([1.0, 2.0])
    assert f.value(y) == 1 + (2 + 4) / 2
    assert f.value_and_grad(y)[1].tolist() == [1 + 4, 1]
    assert f.hvp(y, torch.tensor([0.0, 1.0])).tolist() == [1, 0]


@pytest.mark.parametrize("hessian", [torch.ones(3), torch.ones(2, 3), torch.ones(1, 1)])
def test_shapes_that_do_not_fit_are_refused(hessian: torch.Tensor) -> None:
    with pytest.raises(UsageError, match=r"gradient \(2,\) and hessian"):
        Quadratic(torch.ones(2), hessian)


def test_a_hessian_that_rounding_left_asymmetric_is_made_symmetric() -> None:
    rounded = torch.tensor([[2.0, 1.0], [1.0 + 1e-12, 3.0]], dtype=torch.float64)
    kept = Quadratic(torch.zeros(2), rounded).hessian
    assert torch.equal(kept, kept.T)
    torch.testing.assert_close(kept, rounded, rtol=1e-11, atol=0.0)


def test_a_hessian_that_is_not_symmetric_is_refused() -> None:
    with pytest.raises(UsageError, match="hessian must be symmetric"):
        Quadratic(torch.ones(2), torch.tensor([[0.0, 1.0], [0.0, 0.0]]))

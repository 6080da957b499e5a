"""Which measurements may enter a mean."""

from __future__ import annotations

from math import nan

import pytest

from repro.measure import Measurement, Status


@pytest.mark.parametrize("status", [Status.EXACT, Status.CONVERGED, Status.BUDGET])
def test_a_number_that_was_found_is_usable(status: Status) -> None:
    assert Measurement(0.0, status, cost=3).usable


@pytest.mark.parametrize("status", [Status.FAILED, Status.DIVERGED, Status.NOT_RUN])
def test_a_failure_is_not_usable_even_if_it_left_a_number(status: Status) -> None:
    assert not Measurement(0.0, status, cost=3).usable


def test_what_is_not_a_number_is_not_usable() -> None:
    assert not Measurement(nan, Status.CONVERGED, cost=3).usable

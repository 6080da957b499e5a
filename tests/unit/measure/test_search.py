from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime

from repro.measure.box import Box
from repro.measure.explore import OPPOSITE, Corners, climbs, explore, proposals, random_signs
from repro.measure.lbfgsb import SCIPY_TOLERANCES, Negated, lbfgsb
from repro.measure.maximise import _random_point
from repro.measure.measurement import Status
from repro.measure.quadratic import Quadratic
from repro.measure.search import NotFinite, Sample, Search, Spent, Watched
from repro.measure.sign_ascent import SignAscent, sign_ascent
from repro.streams import stream


def cube(size: int, radius: float = 1.0) -> Box:
    return Box(torch.full((size,), -radius).double(), torch.full((size,), radius).double())


def random_quadratic(size: int, seed: int, slope: float = 1.0) -> Quadratic:
    generator = torch.Generator().manual_seed(seed)
    g, a = torch.randn(size, generator=generator), torch.randn(size, size, generator=generator)
    return Quadratic(slope * g, a + a.T, 1.0)


def zero(size: int) -> torch.Tensor:
    return torch.zeros(size, dtype=torch.float64)


def bump(point: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Concave, with its maximum 0 inside the box."""
    peak = torch.linspace(-0.7, 0.6, len(point), dtype=torch.float64)
    away = point - peak
    return -float(away @ away), -2 * away


def two_peaks(point: torch.Tensor) -> tuple[float, torch.Tensor]:
    """-x² from -1 to 1 with the summit 3 at x = -1 behind a valley that a step from 0 to +1 never sees."""
    x = point.item()
    value, slope = (x, 1.0) if x >= -0.2 else (-0.2 + 4 * (-0.2 - x), -4.0)
    return value, torch.tensor([slope], dtype=torch.float64)


@pytest.mark.parametrize("make", [Negated.as_it_is, lambda w: Negated.scaled(w, torch.tensor([0.3, 2.0, -1.0]))])
def test_what_the_solver_is_given_has_the_gradient_of_its_values(make):
    problem = make(Watched(random_quadratic(3, 0).value_and_grad, Box(zero(3) - 2, zero(3) + 1)))
    u = np.array([0.1, -0.4, 0.3])
    numeric = approx_fprime(u, lambda v: problem(v)[0], 1e-6)
    assert problem(u)[1] == pytest.approx(numeric, rel=1e-4, abs=1e-6)


def test_the_solver_is_given_the_negated_function():
    f = random_quadratic(3, 0)
    value, gradient = Negated.as_it_is(Watched(f.value_and_grad, cube(3)))(np.array([0.1, 0.2, 0.3]))
    expected, slope = f.value_and_grad(torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64))
    assert value == -expected
    assert gradient == pytest.approx(-slope.numpy())


def test_default_tolerances_stop_before_the_first_iteration_and_that_is_failed():
    f = Quadratic(torch.full((4,), 1e-6), torch.full((4,), 2.0), 0.0)
    trapped, free = (
        lbfgsb(Negated.as_it_is(Watched(f.value_and_grad, cube(4))), zero(4), **how)
        for how in ({"tolerances": SCIPY_TOLERANCES}, {})
    )
    assert (trapped.iterations, trapped.status) == (0, Status.FAILED)
    assert "PGTOL" in trapped.message
    assert free.status is Status.CONVERGED
    assert free.value == pytest.approx(4 + 4e-6)


def test_a_start_without_a_slope_is_failed_and_not_a_maximum():
    f = Quadratic(zero(3), torch.ones(3), 0.0)
    for search in (
        lbfgsb(Negated.as_it_is(Watched(f.value_and_grad, cube(3))), zero(3)),
        sign_ascent(Watched(f.value_and_grad, cube(3)), zero(3)),
    ):
        assert (search.iterations, search.status) == (0, Status.FAILED)


@pytest.mark.parametrize("curvature", [0.0, 0.1, 30.0])
def test_a_gradient_of_the_wrong_sign_is_never_taken_for_a_search(curvature):
    f = Quadratic(torch.tensor([1.0, -2.0, 0.5]), torch.full((3,), curvature), 1.0)

    def wrong(point: torch.Tensor) -> tuple[float, torch.Tensor]:
        value, gradient = f.value_and_grad(point)
        return value, -gradient

    for search in (
        lbfgsb(Negated.as_it_is(Watched(wrong, cube(3))), zero(3)),
        sign_ascent(Watched(wrong, cube(3)), zero(3)),
    ):
        assert search.status is Status.FAILED or search.work <= 0 < search.rise


def test_a_right_gradient_does_the_work_of_the_rise():
    f = random_quadratic(5, 3)
    for search in (
        lbfgsb(Negated.as_it_is(Watched(f.value_and_grad, cube(5))), zero(5)),
        sign_ascent(Watched(f.value_and_grad, cube(5)), zero(5)),
    ):
        assert search.work == pytest.approx(search.rise)


def test_the_best_point_seen_counts_and_not_the_last():
    values = iter([1.0, 5.0, 2.0])
    watched = Watched(lambda p: (next(values), torch.zeros_like(p)), cube(1))
    for at in (0.0, 0.5, 1.0):
        watched(torch.tensor([at]))
    assert watched.best is not None
    assert (watched.best.value, watched.best.point.item()) == (5.0, 0.5)
    assert watched.history == [1.0, 5.0, 5.0]


def test_every_point_is_clipped_into_the_box_before_it_is_evaluated():
    seen: list[torch.Tensor] = []
    f = random_quadratic(6, 1)

    def record(point: torch.Tensor) -> tuple[float, torch.Tensor]:
        seen.append(point)
        return f.value_and_grad(point)

    box = Box(zero(6) - 0.3, zero(6) + 0.7)
    watched = Watched(record, box, budget=40)
    watched(torch.full((6,), 9.0))
    lbfgsb(Negated.scaled(watched, torch.ones(6).double()), zero(6))
    sign_ascent(Watched(record, box), zero(6))
    assert len(seen) > 5
    assert all(torch.equal(point, box.clip(point)) for point in seen)


def test_the_budget_is_never_exceeded():
    f, calls = random_quadratic(30, 2), [0]

    def count(point: torch.Tensor) -> tuple[float, torch.Tensor]:
        calls[0] += 1
        return f.value_and_grad(point)

    x = Sample(zero(30), *f.value_and_grad(zero(30)))
    watched = Watched(count, cube(30), budget=17, start=x)
    search = explore(watched, x, Corners(cube(30), torch.Generator().manual_seed(0)), direct=8)
    assert calls[0] == search.evaluations == len(search.history) == 17
    with pytest.raises(Spent):
        watched(zero(30))


def test_a_value_that_is_not_finite_ends_the_search_as_diverged():
    def explodes(point: torch.Tensor) -> tuple[float, torch.Tensor]:
        return (math.inf if point[0] > 0.5 else float(point[0])), torch.ones_like(point)

    assert sign_ascent(Watched(explodes, cube(2)), zero(2)).status is Status.DIVERGED
    assert lbfgsb(Negated.as_it_is(Watched(explodes, cube(2))), zero(2)).status is Status.DIVERGED
    watched = Watched(explodes, cube(2))
    with pytest.raises(NotFinite):
        watched(torch.ones(2))


def test_sign_ascent_reaches_the_corner_of_a_separable_convex_function_in_one_step():
    f = Quadratic(torch.tensor([0.3, -0.2, 1.0]), torch.tensor([1.0, 5.0, 0.0]))
    search = sign_ascent(Watched(f.value_and_grad, cube(3)), zero(3))
    assert (search.iterations, search.evaluations) == (1, 2)
    assert search.value == pytest.approx(1.5 + 3.0)


def test_a_maximum_inside_the_box_is_found_too():
    quick = lbfgsb(Negated.as_it_is(Watched(bump, cube(4))), zero(4))
    steady = sign_ascent(Watched(bump, cube(4)), zero(4))
    assert quick.value == pytest.approx(0.0, abs=1e-9)
    assert steady.value == pytest.approx(0.0, abs=1e-4 * steady.rise)


def test_a_sign_step_never_leads_down_on_a_convex_function():
    a = torch.randn(6, 6, generator=torch.Generator().manual_seed(5)).double()
    f = Quadratic(torch.ones(6), a @ a.T)
    for corner in torch.cartesian_prod(*[torch.tensor([-1.0, 1.0]).double()] * 6):
        climb = SignAscent(Watched(f.value_and_grad, cube(6)), corner)
        before = climb.at.value
        climb.step()
        assert climb.at.value > before or climb.settled
        assert torch.equal(climb.at.point.abs(), torch.ones(6).double())


def test_the_corner_opposite_to_what_was_found_leads_to_the_other_summit():
    x = Sample(zero(1), *two_peaks(zero(1)))
    alone = sign_ascent(Watched(two_peaks, cube(1)), zero(1))
    box = cube(1)
    both = explore(Watched(two_peaks, box, 12, x), x, Corners(box, torch.Generator().manual_seed(0)), direct=6)
    assert alone.value == 1.0
    assert both.value == pytest.approx(3.0)
    assert both.status is Status.CONVERGED


def test_corners_are_opposite_to_what_was_found_and_random_when_that_repeats():
    corners = Corners(cube(64), torch.Generator().manual_seed(0))
    assert torch.equal(corners.next(), zero(64))
    corners.avoid(torch.ones(64).double())
    assert torch.equal(corners.next(), -torch.ones(64).double())
    again = corners.next()
    assert torch.equal(again.abs(), torch.ones(64).double())
    assert 16 < (again > 0).sum() < 48


def test_in_a_long_search_every_other_corner_is_random():
    corners, draws = Corners(cube(64), torch.Generator().manual_seed(0)), stream(0, "ends")
    opposite = []
    for _ in range(OPPOSITE + 6):
        wanted = -corners._found.sign()
        opposite.append(torch.equal(corners.next(), wanted))
        corners.avoid(torch.randn(64, generator=draws).double())
    assert opposite == [True] * OPPOSITE + [False, True] * 3


def test_proposals_are_different_maxima_with_the_highest_first():
    found = proposals(Watched(two_peaks, cube(1), 30), Corners(cube(1), torch.Generator().manual_seed(0)))
    assert [point.item() for point in found] == [-1.0, 1.0]


def test_a_climb_cut_short_by_the_budget_still_counts():
    f = random_quadratic(20, 4)
    watched = Watched(f.value_and_grad, cube(20), 3)
    onward = climbs(watched, Corners(cube(20), torch.Generator().manual_seed(0)))
    first = next(onward)
    assert first.at.value == watched.best.value
    with pytest.raises(Spent):
        next(onward)


def abnormal(slip: float, stalled: Status) -> Search:
    """A search in which the gradient of one coordinate of three has the wrong sign and the size `slip`."""

    def f(point: torch.Tensor) -> tuple[float, torch.Tensor]:
        slope = torch.tensor([1.0, -2.0, -slip]).double()
        return float(slope @ point), slope * torch.tensor([1.0, 1.0, -1.0])

    search = lbfgsb(Negated.as_it_is(Watched(f, cube(3))), zero(3), stalled=stalled)
    assert "ABNORMAL" in search.message
    assert search.iterations > 0
    return search


def test_a_line_search_that_finds_nothing_higher_is_failed_unless_it_was_to_climb_while_it_could():
    assert abnormal(0.5, Status.FAILED).status is Status.FAILED
    assert abnormal(0.5, Status.CONVERGED).status is Status.CONVERGED


def test_a_line_search_that_finds_nothing_higher_has_converged_where_the_gradient_promises_nothing():
    search = abnormal(1e-4, Status.FAILED)
    assert search.status is Status.CONVERGED
    assert search.value == pytest.approx(3.0, rel=1e-6)


def test_a_search_that_starts_high_but_never_moves_is_failed_too():
    f = Quadratic(torch.full((2,), 1e-6), zero(2))
    x = Sample(zero(2), *f.value_and_grad(zero(2)))
    problem = Negated.as_it_is(Watched(f.value_and_grad, cube(2), start=x))
    search = lbfgsb(problem, torch.full((2,), 0.5).double(), tolerances=SCIPY_TOLERANCES)
    assert search.rise > 0
    assert (search.iterations, search.status) == (0, Status.FAILED)


def test_random_signs_are_plus_and_minus_one_about_equally_often():
    signs = random_signs(2000, stream(0, "signs"))
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert abs(signs.mean().item()) < 0.1


def test_a_random_start_may_lie_anywhere_in_the_box():
    box = Box.around(torch.zeros(2000), torch.full((2000,), 2.0))
    start = _random_point(box, seed=3)
    assert -2 <= start.min() < -1.9
    assert 1.9 < start.max() <= 2
    assert abs(start.mean().item()) < 0.1


def test_the_named_tolerances_are_scipys_defaults():
    assert pytest.approx((2.220446049250313e-9, 1e-5)) == SCIPY_TOLERANCES

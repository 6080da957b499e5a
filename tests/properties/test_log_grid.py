"""The updates at which a run is looked at."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from repro.nets.distance import log_grid

totals, densities = st.integers(1, 10**7), st.integers(1, 50)


@given(totals, densities)
def test_a_grid_increases_from_the_first_update_to_the_last(total, per_decade):
    grid = log_grid(total, per_decade)
    assert (grid[0], grid[-1]) == (1, total)
    assert all(before < after for before, after in pairwise(grid))


@given(totals, densities)
def test_neighbours_are_nowhere_further_apart_than_the_density_allows(total, per_decade):
    grid = log_grid(total, per_decade)
    ratio = 10 ** (1 / per_decade)
    assert all(after <= before * ratio + 0.5 * (1 + ratio) for before, after in pairwise(grid))


@given(totals, totals, densities)
def test_a_shorter_run_is_looked_at_where_a_longer_one_is(one, other, per_decade):
    short, long = sorted((one, other))
    assert log_grid(short, per_decade)[:-1] == [at for at in log_grid(long, per_decade) if at < short]

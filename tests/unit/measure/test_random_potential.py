from __future__ import annotations

import pytest
import torch

from repro.errors import UsageError
from repro.measure import Quadratic, random_potential
from repro.streams import stream

SIZE = 30
DISTANCES = (0.5, 1.0, 2.0, 4.0)


def slope() -> torch.Tensor:
    return torch.randn(SIZE, generator=stream(0, "slope"), dtype=torch.float64)


def test_on_a_slope_the_spread_grows_with_the_distance_and_alpha_is_two() -> None:
    found = random_potential(Quadratic(slope(), torch.zeros(SIZE)), torch.ones(SIZE), DISTANCES, rays=50)
    assert found.alpha == pytest.approx(2, abs=1e-9)
    # the component of a random unit vector along g has the deviation 1 / √p
    assert found.deviations[0] == pytest.approx(0.5 * slope().norm().item() / SIZE**0.5, rel=0.3)
    assert found.cost == pytest.approx(50 * 4 / 3)


def test_in_a_bowl_the_spread_grows_with_the_square_and_alpha_is_four() -> None:
    bowl = Quadratic(torch.zeros(SIZE), torch.linspace(0, 1, SIZE))
    assert random_potential(bowl, torch.zeros(SIZE), DISTANCES).alpha == pytest.approx(4, abs=1e-9)


def test_the_seed_decides_and_distances_share_their_rays() -> None:
    f = Quadratic(slope(), torch.linspace(0, 1, SIZE))
    one, same, other = (random_potential(f, torch.ones(SIZE), DISTANCES, seed=seed) for seed in (1, 1, 2))
    assert one == same != other
    assert random_potential(f, torch.ones(SIZE), DISTANCES[:2], seed=1).deviations == one.deviations[:2]


@pytest.mark.parametrize("changes", [{"rays": 1}, {"distances": (1.0,)}, {"distances": (0.0, 1.0)}])
def test_what_has_no_slope_is_refused(changes: dict[str, object]) -> None:
    f = Quadratic(slope(), torch.zeros(SIZE))
    with pytest.raises(UsageError, match="at least two each"):
        random_potential(f, torch.ones(SIZE), **{"distances": DISTANCES, **changes})  # type: ignore[arg-type]

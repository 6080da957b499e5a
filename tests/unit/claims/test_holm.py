from __future__ import annotations

import pytest

from repro.claims.holm import adjusted, shares


def test_a_worked_example():
    # 4 x 0.005, 3 x 0.01 = 0.03, 2 x 0.03 = 0.06, then max(0.04, 0.06).
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_the_rows_left_standing_share_alpha_equally():
    # 0.005 < 0.05 / 4 and 0.01 < 0.05 / 3 fall; 0.03 > 0.05 / 2 ends it, so both others get 0.05 / 2.
    assert shares([0.01, 0.04, 0.03, 0.005], 0.05) == pytest.approx([0.05 / 3, 0.025, 0.025, 0.0125])


def test_where_all_are_rejected_the_last_has_all_of_alpha():
    assert shares([0.001, 0.04], 0.05) == pytest.approx([0.025, 0.05])


def test_one_row_is_not_corrected():
    assert (adjusted([0.2]), shares([0.2], 0.05)) == ([0.2], [0.05])


def test_an_adjusted_p_stays_a_probability():
    assert adjusted([0.6, 0.7, 0.9]) == [1.0, 1.0, 1.0]


def test_equal_p_values_are_treated_alike():
    assert adjusted([0.02, 0.02]) == [0.04, 0.04]
    assert shares([0.02, 0.02], 0.05) == [0.025, 0.025]


def test_a_family_without_rows_has_nothing_to_correct():
    assert (adjusted([]), shares([], 0.05)) == ([], [])

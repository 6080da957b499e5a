"""Means and intervals of a line, before anything is drawn."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from repro.report.drawing import as_svg
from repro.report.figure import Figure, Line, Panel, as_csv
from repro.report.markdown import listing, table
from repro.report.picture import picture
from repro.report.seeds import curves
from repro.report.summary import cited, counted, spread, summary

VALUES = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=5)


def line(*seeds: list[tuple[float, float]], averaged: bool = True) -> Line:
    return Line("SB", "SB", {str(seed): points for seed, points in enumerate(seeds)}, averaged=averaged)


def test_the_mean_goes_as_far_as_all_seeds_do() -> None:
    means = line([(1, 2.0), (2, 4.0), (3, 6.0)], [(1, 4.0), (2, 8.0)]).means()
    assert [(mean.x, mean.mean) for mean in means] == [(1, 3.0), (2, 6.0)]


def test_one_seed_has_a_mean_and_no_interval() -> None:
    (mean,) = line([(1, 2.0)]).means()
    assert (mean.mean, mean.interval) == (2.0, None)


def test_seeds_that_do_not_share_their_x_have_no_mean() -> None:
    assert line([(1, 2.0)], [(1, 4.0)], averaged=False).means() == []


def test_on_a_logarithmic_axis_the_mean_is_geometric() -> None:
    (mean,) = line([(1, 1.0)], [(1, 100.0)]).means(log=True)
    assert mean.mean == pytest.approx(10)
    (plain,) = line([(1, 1.0)], [(1, 100.0)]).means()
    assert plain.mean == 50.5
    assert line([(1, 1.0)], [(1, -100.0)]).means(log=True) == []


def test_a_mean_is_not_drawn_across_points_that_some_seeds_lack() -> None:
    whole, gaps = [(x, 1.0) for x in (1, 2, 3, 4, 5)], [(x, 2.0) for x in (1, 2, 4)]
    for drawn in (line(whole, gaps), line(gaps, whole)):
        assert [[mean.x for mean in each] for each in drawn.stretches(drawn.means())] == [[1, 2], [4]]
    alike = line(whole, whole)
    assert [len(each) for each in alike.stretches(alike.means())] == [5]
    assert line().stretches([]) == []


@given(VALUES, st.booleans())
def test_the_interval_holds_its_mean_and_stays_positive_on_a_logarithmic_axis(values: list[float], log: bool) -> None:
    (mean,) = line(*([(1.0, value)] for value in values)).means(log=log)
    assume(mean.interval is not None)
    low, high = mean.interval  # type: ignore[misc]
    assert low <= mean.mean * (1 + 1e-12)
    assert mean.mean <= high * (1 + 1e-12)
    assert not log or low >= 0


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=5), st.booleans())
def test_no_interval_of_a_percentage_leaves_0_to_100(values: list[float], log: bool) -> None:
    drawn = line(*([(1.0, value)] for value in values))
    (mean,) = Panel("", "", "", [drawn], log_y=log, share=True).means(drawn)
    low, high = mean.interval or (0.0, 100.0)
    assert 0 <= low <= high <= 100
    (free,) = Panel("", "", "", [drawn], log_y=log).means(drawn)
    lowest, highest = free.interval or (low, high)
    assert (low, high) == (max(lowest, 0.0), min(highest, 100.0))


def test_an_interval_of_what_is_no_percentage_may_leave_it() -> None:  # control
    (mean,) = line([(1, 1.0)], [(1, 99.0)]).means()
    assert mean.interval is not None
    assert mean.interval[0] < 0 < 100 < mean.interval[1]


def test_a_figure_is_drawn_to_the_same_bytes_each_time_and_names_no_date() -> None:
    panel = Panel("a title", "epoch", "accuracy, percent", [line([(1, 2.0)], [(1, 3.0)])], log_y=True, ticks=[1])
    drawn = as_svg(Figure("a", [[panel]]))
    assert drawn == as_svg(Figure("b", [[panel]]))
    assert b"<dc:date>" not in drawn


def test_the_data_say_panel_line_seed_and_mean() -> None:
    content = as_csv(Figure("a", [[Panel("t", "x", "loss, nats", [line([(1, 2.0)], [(1, 4.0)])])]])).decode()
    head, first, second, mean = content.splitlines()
    assert head == "panel,line,seed,x,y,low,high"
    assert (first, second) == ('"t: loss, nats",SB,0,1,2.0,,', '"t: loss, nats",SB,1,1,4.0,,')
    assert mean.startswith('"t: loss, nats",SB,mean,1,3.0,-9.7')  # 3 - t(0.975, 1) = -9.706
    log = as_csv(Figure("a", [[Panel("t", "x", "y", [line([(1, 2.0)], [(1, 8.0)])], log_y=True)]])).decode()
    assert log.splitlines()[-1].startswith("t: y,SB,geometric mean,1,4.0")


def test_a_caption_says_that_means_are_geometric() -> None:
    said = {
        log: picture(Figure("a", [[Panel("t", "x", "y", [line([(1, 2.0)], [(1, 8.0)])], log_y=log)]]), "A", "figures")
        for log in (True, False)
    }
    assert "On a logarithmic axis means are geometric. [The data]" in said[True]
    assert "geometric" not in said[False]
    alone = Figure("a", [[Panel("t", "x", "y", [line([(1, 2.0)])], log_y=True)]])
    assert "geometric" not in picture(alone, "A", "figures")


def test_a_bar_inside_a_cell_does_not_end_it() -> None:
    assert table(("a",), [("|x|",)]).splitlines()[-1] == "| \\|x\\| |"


def test_numbers_are_rounded_for_reading_and_never_to_nothing() -> None:
    assert counted([6000, 7250.4]) == "6,625 ± 884"
    assert (counted([930, 930]), counted([])) == ("930", "—")
    assert spread([3178.164, 3178.236]) == "3,178.20 ± 0.051"
    assert spread([0.00012]) == "0.00012"
    assert spread([]) == "—"
    assert cited((98.03, 0.07)) == "98.03 ± 0.07"
    assert cited((98.12,), "recalled") == "98.12?"
    assert cited(()) == "—"


def test_words_are_listed_as_in_a_sentence() -> None:
    assert (listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])) == ("a", "a and b", "a, b and c")


def test_a_failed_point_is_counted_and_not_drawn(made: SimpleNamespace) -> None:
    rows = [
        made.observation("K9", "sharpness", 2.0, x=0.1, seed=0),
        made.lost("K9", "sharpness", "failed", x=0.2, seed=0),
    ]
    assert curves(rows) == {"0": [(0.1, 2.0)]}
    assert summary(rows).words == "n 1, 1 failed"
    assert summary([]).words == "not run"


def test_a_band_is_shaded_and_what_was_not_run_is_not_counted() -> None:
    declared = Line("margin", "constant", {"": [(1, 0.0), (2, 0.0)]})
    drawn = [as_svg(Figure("band", [[Panel("t", "x", "y", [replace(declared, band=band)])]])) for band in (0.0, 1.0)]
    shades = [svg.count(b'id="FillBetweenPolyCollection') for svg in drawn]
    assert shades == [0, 1]

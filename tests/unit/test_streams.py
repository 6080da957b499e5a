"""Streams depend on the seed and their name, and on nothing that was drawn before."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.streams import stream, stream_seed

PARTS = st.lists(st.integers(0, 3) | st.sampled_from(["a", "b", "ab"]), max_size=3).map(tuple)
NAMED = st.tuples(st.integers(0, 3), PARTS)


def test_a_stream_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert stream_seed(0) == 5254295370254170289
    assert stream_seed(3, "order", 7) == 5691991262430957191


def test_what_was_drawn_before_does_not_matter() -> None:
    alone = torch.rand(5, generator=stream(0, "order", 7))
    torch.rand(100, generator=stream(0, "order", 6))
    assert torch.equal(torch.rand(5, generator=stream(0, "order", 7)), alone)


def test_streams_of_one_seed_are_uncorrelated() -> None:
    first, second = (torch.randn(10_000, generator=stream(0, "order", epoch)) for epoch in (0, 1))
    correlation = torch.corrcoef(torch.stack((first, second)))[0, 1]
    assert abs(correlation) < 5 / 10_000**0.5  # five standard deviations


def test_the_global_generator_is_never_touched() -> None:
    before = torch.get_rng_state()
    torch.rand(5, generator=stream(0, "weights"))
    assert torch.equal(torch.get_rng_state(), before)


@given(NAMED, NAMED)
def test_two_streams_are_the_same_only_if_seed_and_name_are(
    one: tuple[int, tuple[object, ...]], other: tuple[int, tuple[object, ...]]
) -> None:
    assert (stream_seed(one[0], *one[1]) == stream_seed(other[0], *other[1])) == (one == other)


@given(st.integers(), PARTS)
def test_a_seed_is_one_that_torch_takes_on_every_platform(seed: int, name: tuple[object, ...]) -> None:
    assert 0 <= stream_seed(seed, *name) < 2**63

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.data import augment, augmentation
from repro.errors import UsageError
from repro.streams import stream

NAMES = ["none", "keskar2017", "keskar2017-no-flip", "pad-crop-flip", "move-erase"]
seeds = st.integers(0, 2**32)
names = st.sampled_from(NAMES)


def _images(count: int = 6, size: int = 10, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=stream(seed, "images"))


@given(names, seeds)
def test_the_result_depends_on_the_generator_alone(name: str, seed: int) -> None:
    images = _images()
    before = torch.get_rng_state()
    first, second = (augmentation(name)(images, stream(seed, "augment")) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(images, _images())


@given(names, seeds)
def test_shape_type_and_range_are_kept(name: str, seed: int) -> None:
    images = _images()
    result = augmentation(name)(images, stream(seed))
    assert (result.shape, result.dtype) == (images.shape, torch.float32)
    assert result.min() >= 0
    assert result.max() <= images.max() + 1e-6


@given(names, seeds, st.integers(0, 5))
def test_an_image_is_transformed_without_regard_to_its_neighbours(name: str, seed: int, kept: int) -> None:
    others = _images(seed=1)
    others[kept] = _images()[kept]
    one, other = (augmentation(name)(batch, stream(seed)) for batch in (_images(), others))
    assert torch.equal(one[kept], other[kept])


@given(names, seeds)
def test_all_channels_are_transformed_alike(name: str, seed: int) -> None:
    grey = _images()[:, :1].expand(-1, 3, -1, -1).contiguous()
    result = augmentation(name)(grey, stream(seed))
    assert torch.equal(result, result[:, :1].expand_as(result))


@given(seeds)
def test_a_flip_mirrors_or_leaves_each_image(seed: int) -> None:
    images = _images(40)
    result = augment.flip(images, stream(seed))
    mirrored = (result == images.flip(-1)).flatten(1).all(1)
    left = (result == images).flatten(1).all(1)
    assert (mirrored ^ left).all()
    assert 3 <= mirrored.sum() <= 37


@given(seeds)
def test_a_crop_is_a_window_of_the_padded_image(seed: int) -> None:
    images = _images(3)
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    for image, source in zip(augment.pad_and_crop(images, stream(seed)), padded, strict=True):
        assert any(
            torch.equal(image, source[:, top : top + 10, left : left + 10]) for top in range(9) for left in range(9)
        )


def test_every_window_is_drawn_and_none_is_preferred() -> None:
    point = torch.zeros(8100, 1, 9, 9)
    point[:, :, 4, 4] = 1
    counts = augment.pad_and_crop(point, stream(0, "windows")).sum(0)[0]
    assert ((counts - 100).abs() < 5 * math.sqrt(100)).all()


@given(st.integers(-2, 2), st.integers(-2, 2))
def test_a_shift_by_whole_pixels_moves_every_pixel_exactly_there(down: int, right: int) -> None:
    images = _images(2)
    moved = augment.moved(images, torch.zeros(2), torch.full((2,), down / 10), torch.full((2,), right / 10))
    rows, columns = ((torch.arange(10) - by).clamp(0, 9) for by in (down, right))
    assert torch.allclose(moved, images[:, :, rows][:, :, :, columns], atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(9, 9), (8, 8)])
def test_a_quarter_turn_takes_the_right_edge_to_the_bottom(height: int, width: int) -> None:
    images = torch.rand(1, 2, height, width, generator=stream(0))
    turned = augment.moved(images, torch.tensor([math.pi / 2]), torch.zeros(1), torch.zeros(1))
    assert torch.allclose(turned, images.rot90(-1, (2, 3)), atol=1e-5)


def test_a_turn_keeps_distances_in_an_image_that_is_not_square() -> None:
    image = torch.zeros(1, 1, 21, 41)
    image[0, 0, 10, 28] = 1
    turned = augment.moved(image, torch.tensor([math.pi / 2]), torch.zeros(1), torch.zeros(1))
    assert turned.flatten().argmax() == 18 * 41 + 20


@given(seeds)
def test_turns_and_shifts_stay_within_the_papers_limits(seed: int) -> None:
    """Read off a picture whose pixels are their own coordinates, where no edge is near."""
    rows, columns = torch.meshgrid(torch.arange(41.0), torch.arange(41.0), indexing="ij")
    result = augment.rotate_and_shift(torch.stack([rows, columns])[None].expand(8, -1, -1, -1), stream(seed))
    down_right = (result[:, :, 21, 21] - result[:, :, 19, 19]) / 2
    angle = torch.atan2(down_right[:, 0] - down_right[:, 1], down_right.sum(1)).abs()
    assert (angle <= math.radians(10) + 1e-4).all()
    centre = result[:, :, 20, 20] - 20
    assert (centre.norm(dim=1) <= math.hypot(8.2, 8.2) + 1e-3).all()


def test_turns_reach_ten_degrees_and_shifts_a_fifth() -> None:
    rows, columns = torch.meshgrid(torch.arange(41.0), torch.arange(41.0), indexing="ij")
    result = augment.rotate_and_shift(torch.stack([rows, columns])[None].expand(400, -1, -1, -1), stream(0))
    down = result[:, :, 21, 20] - result[:, :, 20, 20]
    angle = torch.rad2deg(torch.atan2(down[:, 1], down[:, 0]))
    assert -10.01 < angle.min() < -9.5
    assert 9.5 < angle.max() < 10.01
    centre = result[:, :, 20, 20] - 20
    limit = 8.2 * (math.cos(math.radians(10)) + math.sin(math.radians(10)))
    assert all(7.5 < furthest < limit for furthest in centre.abs().amax(dim=0).tolist())


def test_digits_are_never_flipped_and_photographs_sometimes_are() -> None:
    left_half = torch.zeros(100, 1, 12, 12)
    left_half[:, :, :, :3] = 1
    weight = torch.arange(12.0)
    for name, flips in (
        ("keskar2017-no-flip", False),
        ("move-erase", False),
        ("keskar2017", True),
        ("pad-crop-flip", True),
    ):
        result = augmentation(name)(left_half, stream(0, name))
        to_the_right = (result * weight).sum((1, 2, 3)) > (result * weight.flip(0)).sum((1, 2, 3))
        assert bool(to_the_right.any()) == flips


@given(seeds, st.integers(8, 11))
def test_what_is_erased_is_a_square_of_half_the_side_cut_off_at_the_border(seed: int, size: int) -> None:
    images = torch.ones(40, 2, size, size)
    black = augment.erase(images, stream(seed)) == 0
    whole = 2 * math.ceil(size / 4) - 1
    for image in black:
        assert torch.equal(image[0], image[1])
        rows, columns = image[0].any(1), image[0].any(0)
        assert torch.equal(image[0], rows[:, None] & columns)
        for struck in (rows, columns):
            places = struck.nonzero().flatten().tolist()
            assert places == list(range(places[0], places[-1] + 1))
            assert len(places) == whole or 0 in places or size - 1 in places


def test_every_pixel_is_erased_sometimes_and_kept_sometimes() -> None:
    black = augment.erase(torch.ones(400, 1, 8, 8), stream(0, "erase")) == 0
    assert black.any(0).all()
    assert not black.all(0).any()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="augmentation 'cutout' is unknown; it must be one of none, keskar2017,"):
        augmentation("cutout")

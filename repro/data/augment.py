"""Random transformations of a batch of images; every number drawn comes from the generator given, on the CPU.

Keskar et al. 2017, App. E.1: horizontal reflections, rotations up to 10 degrees, translations up to 0.2 of
the image size. What they leave unsaid is chosen as in Keras, which they used: all are drawn uniformly, the
shift down and the shift across on their own, and points that fall outside the image take the value of its
nearest edge. Values between pixels are interpolated linearly.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

from repro.errors import UsageError

Augmentation = Callable[[Tensor, Generator], Tensor]
"""From images `(b, c, h, w)`, float32, and a generator, to new images of the same shape."""

DEGREES = 10.0
"""Largest rotation (Keskar et al. 2017, App. E.1)."""

SHIFT = 0.2
"""Largest translation, a fraction of the image's height or width (Keskar et al. 2017, App. E.1)."""

PADDING = 4
"""Pixels of black around an image from which a crop is taken (He et al. 2016, sec. 4.2)."""

ERASED = 0.5
"""Side of the square that is erased, a fraction of the image's, rounded to an odd number of pixels."""


def flip(inputs: Tensor, generator: Generator) -> Tensor:
    """Mirror each image left to right with probability 1/2."""
    chosen = (torch.rand(len(inputs), generator=generator) < 0.5).to(inputs.device)
    return torch.where(chosen[:, None, None, None], inputs.flip(-1), inputs)


def rotate_and_shift(inputs: Tensor, generator: Generator) -> Tensor:
    """Turn each image about its centre by up to 10 degrees, then move it by up to 0.2 of its size."""
    count = len(inputs)
    angle = _uniform(count, generator) * math.radians(DEGREES)
    return moved(inputs, angle, _uniform(count, generator) * SHIFT, _uniform(count, generator) * SHIFT)


def moved(inputs: Tensor, angle: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Each image turned about its centre, then moved.

    Args:
        inputs: shape `(b, c, h, w)`, float32.
        angle: radians, positive from the right edge towards the bottom one, shape `(b,)`.
        down: fraction of the height, shape `(b,)`.
        right: fraction of the width, shape `(b,)`.
    """
    height, width = inputs.shape[-2:]
    cos, sin, aspect = angle.cos(), angle.sin(), height / width
    back = torch.stack([cos, sin * aspect, -sin / aspect, cos], dim=1).reshape(-1, 2, 2)
    start = back @ torch.stack([-2 * right, -2 * down], dim=1)[:, :, None]
    grid = functional.affine_grid(
        torch.cat([back, start], dim=2).to(inputs.device), list(inputs.shape), align_corners=False
    )
    return functional.grid_sample(inputs, grid, mode="bilinear", padding_mode="border", align_corners=False)


def pad_and_crop(inputs: Tensor, generator: Generator) -> Tensor:
    """Surround each image with 4 black pixels and cut out a window of its size at random."""
    count, _, height, width = inputs.shape
    padded = functional.pad(inputs, (PADDING,) * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    top, left = torch.randint(2 * PADDING + 1, (2, count), generator=generator).to(inputs.device)
    return windows[torch.arange(count, device=inputs.device), :, top, left]


def erase(inputs: Tensor, generator: Generator) -> Tensor:
    """Blacken a square centred on any pixel of each image, as far as it lies inside (Zhong et al. 2020)."""
    count, _, height, width = inputs.shape
    rows, columns = (_struck(count, side, generator) for side in (height, width))
    return inputs.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None].to(inputs.device), 0.0)


def _struck(count: int, side: int, generator: Generator) -> Tensor:
    """Which of `side` places lie within the erased square's reach of a centre drawn anew for each image."""
    centre = torch.randint(side, (count, 1), generator=generator)
    return (torch.arange(side) - centre).abs() < ERASED * side / 2


def _uniform(count: int, generator: Generator) -> Tensor:
    """`count` numbers between -1 and 1."""
    return 2 * torch.rand(count, generator=generator) - 1


def _keskar2017(inputs: Tensor, generator: Generator) -> Tensor:
    return flip(rotate_and_shift(inputs, generator), generator)


def _pad_crop_flip(inputs: Tensor, generator: Generator) -> Tensor:
    return flip(pad_and_crop(inputs, generator), generator)


def _move_erase(inputs: Tensor, generator: Generator) -> Tensor:
    return erase(rotate_and_shift(inputs, generator), generator)


_AUGMENTATIONS: dict[str, Augmentation] = {
    "none": lambda inputs, _: inputs,
    "keskar2017": _keskar2017,
    "keskar2017-no-flip": rotate_and_shift,
    "pad-crop-flip": _pad_crop_flip,
    "move-erase": _move_erase,
}


def augmentation(name: str) -> Augmentation:
    """The transformation called `name`.

    Args:
        name: `keskar2017`; `keskar2017-no-flip`, for digits, which are never flipped; `pad-crop-flip`; `move-erase`,
            for two views of a digit; or `none`.

    Raises:
        UsageError: there is none of that name; lists those there are.
    """
    if name not in _AUGMENTATIONS:
        raise UsageError(f"augmentation {name!r} is unknown; it must be one of {', '.join(_AUGMENTATIONS)}.")
    return _AUGMENTATIONS[name]

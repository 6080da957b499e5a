"""What the networks for images ask of their inputs."""

from __future__ import annotations

from repro.errors import UsageError


def image_shape(shape: tuple[int, ...], smallest: int = 1) -> tuple[int, int, int]:
    """Channels, height and width.

    Args:
        shape: of one input.
        smallest: pixels that a side must have.

    Raises:
        UsageError: it is not that of an image, or a side is shorter.
    """
    if len(shape) != 3:
        raise UsageError(f"shape={shape} must be (channels, height, width); take F1 or F2 for what is no image.")
    if min(shape[1:]) < smallest:
        raise UsageError(f"shape={shape} must have sides of at least {smallest}; pad the images or take C1.")
    return shape[0], shape[1], shape[2]

"""Log-mel features of speech, each frame with its neighbours, as for a network that classifies frames.

At 8 kHz a frame is 25 ms (200 samples) under a Hamming window, one every 10 ms (80 samples), whole frames
only. Its power spectrum (512 points) is summed under 40 triangles, equally spaced between 0 and 4,000 Hz on
the mel scale `m = 1127 ln(1 + f / 700)`, and the natural logarithm taken. Each frame is joined by the 4
before and the 4 after it in the same utterance, the edge frames repeated: 40 x 9 = 360 features, ordered by
time, then by band.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

RATE = 8_000
FRAME, HOP, SPECTRUM = 200, 80, 512
BANDS, CONTEXT = 40, 9
FLOOR = 1e-8
"""Smallest power kept, of samples in [-1, 1): about what rounding to 16 bits leaves in silence."""

CHUNK = 4_096
"""Frames transformed at once; bounds the memory."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def frame_counts(lengths: Integers) -> Integers:
    """Whole frames in utterances of `lengths` samples; none where the utterance is shorter than a frame."""
    return np.maximum(0, 1 + (lengths - FRAME) // HOP)


def mel_triangles() -> Floats:
    """Weight of each of the 257 frequencies in each band, shape `(257, 40)`."""
    frequencies = np.linspace(0, RATE / 2, SPECTRUM // 2 + 1)
    mels = 1127 * np.log1p(frequencies / 700)
    corners = np.linspace(0, mels[-1], BANDS + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    rising = (mels[:, None] - low) / (centre - low)
    falling = (high - mels[:, None]) / (high - centre)
    triangles: Floats = np.maximum(0, np.minimum(rising, falling))
    return triangles


def log_mel(samples: NDArray[np.int16], starts: Integers) -> Floats:
    """Log-mel energies of the frames that begin at `starts`.

    Args:
        samples: at 8 kHz, shape `(s,)`.
        starts: first sample of each frame, shape `(n,)`.

    Returns:
        shape `(n, 40)`, natural logarithms of power.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)
    window, triangles = np.hamming(FRAME) / 2**15, mel_triangles()
    bands = np.empty((len(starts), BANDS))
    for first in range(0, len(starts), CHUNK):
        chunk = slice(first, first + CHUNK)
        spectrum = scipy.fft.rfft(frames[starts[chunk]] * window, SPECTRUM)
        bands[chunk] = (spectrum.real**2 + spectrum.imag**2) @ triangles
    return np.log(np.maximum(bands, FLOOR))


def with_context(frames: Floats, counts: Integers) -> NDArray[np.float32]:
    """Each frame joined with its neighbours of the same utterance, edge frames repeated.

    Args:
        frames: of all utterances, one after the other, shape `(n, bands)`.
        counts: frames of each utterance, summing to n.

    Returns:
        shape `(n, 9 * bands)`, by time, then by band.
    """
    last = np.repeat(np.cumsum(counts), counts) - 1
    first = last + 1 - np.repeat(counts, counts)
    offsets = np.arange(CONTEXT) - CONTEXT // 2
    near = np.arange(len(frames))[:, None] + offsets
    near = np.clip(near, first[:, None], last[:, None])
    joined: NDArray[np.float32] = frames.astype(np.float32)[near]
    return joined.reshape(len(frames), -1)


def features(samples: NDArray[np.int16], offsets: Integers) -> tuple[NDArray[np.float32], Integers]:
    """Features of every frame of every utterance.

    Args:
        samples: all utterances, one after the other, at 8 kHz, shape `(s,)`.
        offsets: where each begins, and where the last ends, shape `(utterances + 1,)`.

    Returns:
        features of shape `(n, 360)`, and the utterance of each frame, shape `(n,)`.
    """
    counts = frame_counts(np.diff(offsets))
    utterance = np.repeat(np.arange(len(counts)), counts)
    position = np.arange(len(utterance)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = offsets[utterance] + HOP * position
    return with_context(log_mel(samples, starts), counts), utterance

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from repro.data import log_mel as module
from repro.data.log_mel import features, frame_counts, log_mel, mel_triangles, with_context

NOISE = np.random.default_rng(0).integers(-8000, 8000, 2_000).astype(np.int16)


def test_only_whole_frames_count() -> None:
    assert frame_counts(np.array([0, 199, 200, 279, 280, 1148])).tolist() == [0, 0, 1, 1, 2, 12]


def test_neighbouring_triangles_share_every_frequency_between_the_outer_centres() -> None:
    mels = 1127 * np.log1p(np.linspace(0, 4000, 257) / 700)
    inside = (mels >= mels[-1] / 41) & (mels <= mels[-1] * 40 / 41)
    assert np.allclose(mel_triangles()[inside].sum(axis=1), 1)
    assert (mel_triangles().max(axis=0) > 0.5).all()


def test_one_frame_is_the_textbook_sum() -> None:
    windowed = [
        sample / 2**15 * (0.54 - 0.46 * math.cos(2 * math.pi * n / 199)) for n, sample in enumerate(NOISE[80:280])
    ]
    power = [
        abs(sum(value * cmath.exp(-2j * math.pi * k * n / 512) for n, value in enumerate(windowed))) ** 2
        for k in range(257)
    ]
    assert np.allclose(log_mel(NOISE, np.array([80]))[0], np.log(power @ mel_triangles()), atol=1e-9)


@pytest.mark.parametrize("band", [5, 20, 38])
def test_a_tone_is_loudest_in_its_own_band(band: int) -> None:
    mel = (band + 1) / 41 * 1127 * math.log1p(4000 / 700)
    hertz = 700 * math.expm1(mel / 1127)
    tone = (8000 * np.sin(2 * np.pi * hertz * np.arange(200) / 8000)).astype(np.int16)
    assert log_mel(tone, np.array([0]))[0].argmax() == band


def test_twice_the_amplitude_is_four_times_the_power() -> None:
    starts = np.array([0, 500])
    assert np.allclose(log_mel(2 * NOISE, starts) - log_mel(NOISE, starts), math.log(4))


def test_silence_is_the_floor() -> None:
    assert np.array_equal(log_mel(np.zeros(200, np.int16), np.array([0])), np.full((1, 40), math.log(1e-8)))


def test_the_features_do_not_depend_on_the_chunking(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = np.arange(0, 1800, 80)
    whole = log_mel(NOISE, starts)
    monkeypatch.setattr(module, "CHUNK", 7)
    assert np.allclose(log_mel(NOISE, starts), whole, rtol=1e-12, atol=0)


def test_context_repeats_the_edges_and_never_crosses_utterances() -> None:
    joined = with_context(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), np.array([2, 3]))
    assert joined.tolist() == [
        [1, 1, 1, 1, 1, 2, 2, 2, 2],
        [1, 1, 1, 1, 2, 2, 2, 2, 2],
        [3, 3, 3, 3, 3, 4, 5, 5, 5],
        [3, 3, 3, 3, 4, 5, 5, 5, 5],
        [3, 3, 3, 4, 5, 5, 5, 5, 5],
    ]


def test_bands_of_one_time_stay_together() -> None:
    joined = with_context(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2]))
    assert joined[0].tolist() == [1, 2] * 5 + [3, 4] * 4


def test_an_utterance_has_the_same_features_alone_as_among_others() -> None:
    together, utterance = features(NOISE, np.array([0, 500, 600, 2000]))
    assert utterance.tolist() == [0] * 4 + [2] * 16
    for number, (begin, end) in {0: (0, 500), 2: (600, 2000)}.items():
        alone, _ = features(NOISE[begin:end], np.array([0, end - begin]))
        assert np.array_equal(together[utterance == number], alone)


def test_a_frame_has_the_width_of_the_papers_input() -> None:
    assert features(NOISE, np.array([0, 2000]))[0].shape == (23, 360)

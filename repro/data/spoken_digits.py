"""Spoken digits, frame by frame: the open stand-in for TIMIT, which is licensed.

Every frame of an utterance is an example whose class is the digit spoken. The official split is by
utterance: those numbered below 5 are the test set, so no utterance is in both. Features are those of
`repro.data.log_mel`, each shifted and scaled to mean 0 and standard deviation 1 over the training frames.
"""

from __future__ import annotations

import io
import re
import wave

import numpy as np
import torch
from numpy.typing import NDArray

from repro.data import npz
from repro.data.archives import Members
from repro.data.content import File
from repro.data.entry import Entry, Stored
from repro.data.log_mel import RATE, features
from repro.data.tensors import Dataset, Split
from repro.errors import DataError

TEST_INDICES = 5
"""Recordings of each digit and speaker with a smaller number than this are the test set."""

_RECORDING = re.compile(r"[^/]+/recordings/(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<index>\d+)\.wav")


def read(entry: Entry, stored: Stored) -> Dataset:
    """The data set from the prepared file `fsdd_8khz.npz`; errors as in `File.read`."""
    (prepared,) = entry.files
    return frames(npz.load(stored.read(prepared), prepared.name), entry.name)


def frames(recordings: npz.Arrays, name: str) -> Dataset:
    """Features, labels and split of all frames.

    Args:
        recordings: `samples` int16 `(s,)`, `offsets` int64 `(utterances + 1,)`, and `label` and `index` of
            each utterance.
        name: of the data set.

    Returns:
        inputs of shape `(n, 360)`, float32.
    """
    inputs, utterance = features(recordings["samples"], recordings["offsets"])
    labels = torch.from_numpy(recordings["label"][utterance].astype(np.int64))
    test = recordings["index"][utterance] < TEST_INDICES
    _standardise(inputs, ~test)
    train, held_out = (Split(torch.from_numpy(inputs[which]), labels[which]) for which in (~test, test))
    return Dataset(name, train, held_out, classes=10)


def _standardise(inputs: NDArray[np.float32], training: NDArray[np.bool_]) -> None:
    """In place: mean 0 and standard deviation 1 of each feature over the training frames."""
    inputs -= inputs[training].mean(axis=0, dtype=np.float64).astype(np.float32)
    inputs /= np.sqrt(np.square(inputs[training]).mean(axis=0, dtype=np.float64)).astype(np.float32)


def prepared_from_archive(members: Members, _: File) -> bytes:
    """The prepared file, made from the recordings of the official archive: by speaker, digit and number.

    Raises:
        DataError: a recording is not mono 16-bit sound at 8 kHz.
    """
    found = [match for name in members.names if (match := _RECORDING.fullmatch(name))]
    found.sort(key=lambda match: (match["speaker"], match["digit"], int(match["index"])))
    speakers = sorted({match["speaker"] for match in found})
    sounds = [_samples(members.read(match[0]), match[0]) for match in found]
    return npz.dump(
        {
            "samples": np.concatenate([np.zeros(0, np.int16), *sounds]),
            "offsets": np.cumsum([0, *map(len, sounds)], dtype=np.int64),
            "label": np.array([int(match["digit"]) for match in found], np.uint8),
            "speaker": np.array([speakers.index(match["speaker"]) for match in found], np.uint8),
            "index": np.array([int(match["index"]) for match in found], np.uint8),
            "speaker_names": np.array(speakers, str),
        }
    )


def _samples(content: bytes, where: str) -> NDArray[np.int16]:
    try:
        with wave.open(io.BytesIO(content)) as sound:
            kind = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    except (wave.Error, EOFError, ValueError) as error:
        raise DataError(f"{where} is not a whole wav file ({error}); fetch the archive again.") from error
    if kind != (1, 2, RATE):
        raise DataError(f"{where} has (channels, bytes, Hz) {kind}; it must have {(1, 2, RATE)}.")
    return samples

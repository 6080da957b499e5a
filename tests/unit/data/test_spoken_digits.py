from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.data import cache, npz
from repro.data.archives import zipped
from repro.data.catalogue import SPOKEN_DIGITS
from repro.data.spoken_digits import frames, prepared_from_archive
from repro.errors import DataError

FILE = SPOKEN_DIGITS.files[0]


def _recordings(test_seed: int = 1) -> dict[str, Any]:
    """Four utterances of 1,000 samples, of digits 0 to 3; the first and the third belong to the test set."""
    train, test = (np.random.default_rng(seed).integers(-8000, 8000, (2, 1000)) for seed in (0, test_seed))
    return {
        "samples": np.concatenate([test[0], train[0], test[1], train[1]]).astype(np.int16),
        "offsets": np.arange(0, 4001, 1000),
        "label": np.array([0, 1, 2, 3], np.uint8),
        "index": np.array([4, 5, 0, 49], np.uint8),
    }


def _wav(samples: np.ndarray, channels: int = 1, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"free-spoken-digit-dataset-26eb9aa/{name}", content)
    return buffer.getvalue()


def test_recordings_numbered_below_five_are_the_test_set() -> None:
    data = frames(_recordings(), "made")
    assert data.test.labels.tolist() == [0] * 11 + [2] * 11
    assert data.train.labels.tolist() == [1] * 11 + [3] * 11
    assert data.shape == (360,)


def test_each_feature_has_mean_zero_and_deviation_one_over_the_training_frames() -> None:
    inputs = frames(_recordings(), "made").train.inputs.double()
    assert torch.allclose(inputs.mean(dim=0), torch.zeros(360, dtype=torch.float64), atol=1e-5)
    assert torch.allclose(inputs.std(dim=0, correction=0), torch.ones(360, dtype=torch.float64), atol=1e-5)


def test_the_test_set_has_no_part_in_the_standardisation() -> None:
    one, other = (frames(_recordings(test_seed), "made") for test_seed in (1, 2))
    assert torch.equal(one.train.inputs, other.train.inputs)
    assert not torch.equal(one.test.inputs, other.test.inputs)


def test_the_official_archive_becomes_the_prepared_arrays_in_order_of_speaker_digit_and_number() -> None:
    held = {"README.md": b"", "recordings/readme.txt": b""}
    for order, name in enumerate(["1_theo_0", "0_theo_10", "0_theo_9", "7_george_3"]):
        held[f"recordings/{name}.wav"] = _wav(np.arange(order + 1) + 10 * order)
    arrays = npz.load(prepared_from_archive(zipped(_archive(held), "x.zip"), FILE), "made")
    assert arrays["samples"].tolist() == [30, 31, 32, 33, 20, 21, 22, 10, 11, 0 + 0]
    assert arrays["offsets"].tolist() == [0, 4, 7, 9, 10]
    assert arrays["label"].tolist() == [7, 0, 0, 1]
    assert arrays["index"].tolist() == [3, 9, 10, 0]
    assert arrays["speaker_names"][arrays["speaker"]].tolist() == ["george", "theo", "theo", "theo"]


@pytest.mark.parametrize(("channels", "rate"), [(2, 8000), (1, 16000)])
def test_sound_of_another_kind_is_refused(channels: int, rate: int) -> None:
    archive = _archive({"recordings/0_theo_0.wav": _wav(np.zeros(4), channels, rate)})
    with pytest.raises(
        DataError, match=rf"0_theo_0\.wav has .* \({channels}, 2, {rate}\); it must have \(1, 2, 8000\)"
    ):
        prepared_from_archive(zipped(archive, "x.zip"), FILE)


def test_a_truncated_recording_is_refused() -> None:
    archive = _archive({"recordings/0_theo_0.wav": _wav(np.zeros(4))[:20]})
    with pytest.raises(DataError, match=r"0_theo_0\.wav is not a whole wav file"):
        prepared_from_archive(zipped(archive, "x.zip"), FILE)


def test_an_archive_of_other_content_fails_the_checksum() -> None:
    archive = _archive({"recordings/0_theo_0.wav": _wav(np.zeros(4))})
    content = prepared_from_archive(zipped(archive, "x.zip"), FILE)
    with pytest.raises(DataError, match=r"the archive has sha256_of_arrays .*; the content of fsdd_8khz"):
        FILE.check(content, "the archive")


def test_the_checksum_is_of_the_arrays_not_of_how_they_are_packed(tmp_path: Path) -> None:
    arrays = _recordings()
    np.savez(tmp_path / "plain.npz", **arrays)
    packed = npz.dump(dict(reversed(list(arrays.items()))))
    plain = (tmp_path / "plain.npz").read_bytes()
    assert plain != packed
    assert npz.sha256_of_arrays(plain) == npz.sha256_of_arrays(packed)
    signed = arrays["index"].astype(np.int8)
    assert npz.sha256_of_arrays(npz.dump({**arrays, "index": signed})) != npz.sha256_of_arrays(packed)
    assert npz.sha256_of_arrays(npz.dump({**arrays, "label": arrays["index"]})) != npz.sha256_of_arrays(packed)


def test_the_real_recordings_written_as_the_official_archive_give_the_official_checksum() -> None:
    stored = next(iter(cache.found(SPOKEN_DIGITS)), None)
    if stored is None:
        pytest.skip("spoken-digits is not at hand; `repro data get spoken-digits` fetches it")
    arrays = npz.load(stored.paths[FILE], "fsdd")
    names = arrays["speaker_names"][arrays["speaker"]]
    sounds = np.split(arrays["samples"], arrays["offsets"][1:-1])
    held = {
        f"recordings/{digit}_{name}_{index}.wav": _wav(sound)
        for digit, name, index, sound in zip(arrays["label"], names, arrays["index"], sounds, strict=True)
    }
    archive = _archive(dict(sorted(held.items())))
    FILE.check(prepared_from_archive(zipped(archive, "x.zip"), FILE), "the archive")


def test_a_prepared_file_that_is_cut_or_holds_objects_is_refused(tmp_path: Path) -> None:
    whole = npz.dump(_recordings())
    with pytest.raises(DataError, match="cut is not a whole npz file"):
        npz.load(whole[:-40], "cut")
    with pytest.raises(DataError, match=r"objects is not a whole npz file of plain arrays .*allow_pickle=False"):
        npz.load(npz.dump({"label": np.array([{}], object)}), "objects")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="one is not a whole npz file"):
        npz.load((tmp_path / "one.npy").read_bytes(), "one")
    with pytest.raises(DataError, match="text is not a whole npz file"):
        npz.load(b"plain text", "text")

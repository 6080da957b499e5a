"""What the README shows works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from repro.streams import stream

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_measuring_snippet_runs_on_a_strangers_model(capsys: pytest.CaptureFixture[str]) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    generator = stream(0, "readme")
    with torch.random.fork_rng():
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))
    inputs = torch.randn(30, 4, generator=generator)
    labels = torch.arange(30) % 3
    exec(compile(snippet, "README.md", "exec"), {"model": model, "inputs": inputs, "labels": labels})
    value = float(capsys.readouterr().out.split()[0])
    assert value > 0


def test_the_verdicts_stand_first_then_the_commands_then_the_picture_and_the_advice() -> None:
    places = ["verdicts:begin", "verdicts:end", "```sh", "](docs/verdicts.svg)", "picture:end", "guide:begin"]
    assert [README.index(place) for place in places] == sorted(README.index(place) for place in places)

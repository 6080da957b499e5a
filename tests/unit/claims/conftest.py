"""Builders of small evidence and small papers, so that a test shows only what matters to it."""

from __future__ import annotations

import pytest

from repro.claims.evidence import Observation, Provenance
from repro.claims.loading import load_claims

PROVENANCE = Provenance("0.1.0", "abc", "2.13.0", 1, "a CPU")

PAPER = """
key = "paper"
title = "A paper"
authors = ["A. Author"]
venue = "ICLR"
year = 2017
arxiv = "0000.00000"
[networks]
F1 = { data = "MNIST", architecture = "dense" }
C1 = { data = "CIFAR-10", architecture = "convolutions" }
[tables."Table 1"]
caption = "accuracy"
unit = "percent"
mark = "verified"
columns = ["SB", "LB"]
rows.F1 = [[98.0, 0.1], [97.5, 0.2]]
[tables."Table 9"]
caption = "accuracy, from memory"
unit = "percent"
mark = "recalled"
columns = ["LB"]
rows.F1 = [[97.9, 0.1]]
"""

GAP = """
[[claims]]
id = "K1"
title = "The gap"
where = "Table 1"
networks = ["F1"]
extensions = ["C1"]
quantity = "accuracy"
measured = "percent"
kind = "directional"
arms = ["LB", "SB"]
pairing = "paired"
scale = "linear"
direction = -1
margin = 0.5
margin_from = "half a point"
unit = "points"
reported = ["Table 1/LB", "Table 1/SB"]
"""


@pytest.fixture
def observation():
    """A builder of observations: everything has a default but the value."""

    def build(value=1.0, **facts):
        common = {
            "claim": "K1",
            "network": "F1",
            "dataset": "mnist",
            "profile": "quick",
            "seed": 0,
            "arm": "SB",
        }
        status = facts.get("status", "ok")
        common |= {
            "quantity": "accuracy",
            "reason": "" if status == "ok" else "no answer",
            "provenance": PROVENANCE,
        }
        return Observation(**common | facts, value=value if status == "ok" else float("nan"))

    return build


@pytest.fixture
def pairs(observation):
    """A builder of SB and LB observations, seeds 0, 1, ..., from two lists of values."""

    def build(sb, lb, **facts):
        arms = {"SB": sb, "LB": lb}
        return [observation(v, arm=arm, seed=i, **facts) for arm, values in arms.items() for i, v in enumerate(values)]

    return build


@pytest.fixture
def declare(tmp_path):
    """A builder of claims from the text of claims.toml (and of paper.toml)."""

    def build(claims=GAP, paper=PAPER):
        folder = tmp_path / "paper"
        folder.mkdir(exist_ok=True)
        (folder / "claims.toml").write_text(claims)
        (folder / "paper.toml").write_text(paper)
        return load_claims(folder)

    return build


@pytest.fixture
def gap():
    """The text of a claims.toml with one claim."""
    return GAP


@pytest.fixture
def paper():
    """The text of a paper.toml."""
    return PAPER

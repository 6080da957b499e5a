"""A spec is its canonical JSON: read back it is the same spec, and what means the same has the same key."""

from __future__ import annotations

import copy
import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.train.objectives import Adversarial, Contrastive, CrossEntropy, Proximal
from repro.train.regime import Phase, Regime, constant
from repro.train.spec import Plateau, RunSpec, Start

FRACTIONS = st.floats(0, 0.99)
POSITIVE = st.floats(1e-9, 1e9)
PHASES = st.builds(
    Phase,
    epochs=st.integers(1, 500),
    batch=st.integers(64, 100_000),
    learning_rate=POSITIVE,
    momentum=FRACTIONS,
    ghost_size=st.none() | st.integers(2, 64),
    clip=st.none() | POSITIVE,
)
SPECS = st.builds(
    RunSpec,
    network=st.sampled_from(["F1", "C1-stride2"]),
    dataset=st.sampled_from(["mnist", "cifar10"]),
    regime=st.lists(PHASES, min_size=1, max_size=3).map(lambda phases: Regime(tuple(phases))),
    optimizer=st.sampled_from(["adam", "sgd", "adagrad"]),
    objective=st.just(CrossEntropy())
    | st.builds(Proximal, POSITIVE, st.integers(1, 9))
    | st.builds(Adversarial, POSITIVE, FRACTIONS)
    | st.builds(Contrastive, st.sampled_from(["nt-xent", "dcl"]), POSITIVE),
    augmentation=st.sampled_from(["none", "keskar2017", "keskar2017-no-flip", "pad-crop-flip", "move-erase"]),
    stop=st.none() | st.builds(Plateau, st.integers(1, 50), FRACTIONS),
    start=st.none() | st.builds(Start, st.text("0123456789abcdef", min_size=20, max_size=20), st.integers(0)),
    seed=st.integers(0, 2**31),
    precision=st.sampled_from(["fp32", "bf16"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLAIN = RunSpec("F1", "mnist", constant(20, 256, 1e-3))
PLAIN_FORM = {
    "kind": "RunSpec",
    "network": "F1",
    "dataset": "mnist",
    "regime": {
        "kind": "Regime",
        "phases": [{"kind": "Phase", "epochs": 20, "batch": 256, "learning_rate": 0.001}],
    },
}
FULL = RunSpec(
    "C1",
    "cifar10",
    Regime((Phase(3, 128, 0.1, 0.9, ghost_size=32, clip=1.5), Phase(1, 256, 0.01))),
    optimizer="sgd",
    objective=Proximal(),
    augmentation="pad-crop-flip",
    stop=Plateau(),
    start=Start("0" * 20, 7),
    seed=4,
    precision="bf16",
    weight_decay=1e-4,
)


def test_fields_at_their_default_are_left_out() -> None:
    assert PLAIN.as_json() == PLAIN_FORM


def test_every_field_that_is_not_at_its_default_is_written() -> None:
    assert FULL.as_json() == {
        "kind": "RunSpec",
        "network": "C1",
        "dataset": "cifar10",
        "regime": {
            "kind": "Regime",
            "phases": [
                {
                    "kind": "Phase",
                    "epochs": 3,
                    "batch": 128,
                    "learning_rate": 0.1,
                    "momentum": 0.9,
                    "ghost_size": 32,
                    "clip": 1.5,
                },
                {"kind": "Phase", "epochs": 1, "batch": 256, "learning_rate": 0.01},
            ],
        },
        "optimizer": "sgd",
        "objective": {"kind": "Proximal"},
        "augmentation": "pad-crop-flip",
        "stop": {"kind": "Plateau"},
        "start": {"kind": "Start", "run": "0" * 20, "update": 7},
        "seed": 4,
        "precision": "bf16",
        "weight_decay": 1e-4,
    }


def test_keys_of_committed_evidence_stay_what_they_are() -> None:
    undecayed = replace(FULL, weight_decay=0.0)
    assert [PLAIN.key, undecayed.key] == ["3dbbbdc344a5f73d89ef", "a6be9b58f437e4a9ff43"]


@given(SPECS)
def test_a_spec_survives_its_json(spec: RunSpec) -> None:
    assert RunSpec.from_json(json.loads(json.dumps(spec.as_json()))) == spec


@given(SPECS, SPECS)
def test_keys_are_equal_only_where_specs_are(one: RunSpec, other: RunSpec) -> None:
    assert (one.key == other.key) == (one == other)


@pytest.mark.parametrize("name", [entry.name for entry in fields(RunSpec)])
def test_every_field_is_part_of_the_key(name: str) -> None:
    assert replace(PLAIN, **{name: getattr(FULL, name)}).key != PLAIN.key


@pytest.mark.parametrize(
    ("whole", "decimal"),
    [
        (constant(1, 8, 1), constant(1, 8, 1.0)),
        (constant(1, 8, 0.1, clip=2), constant(1, 8, 0.1, clip=2.0)),
        (constant(1, 8, 0.1, momentum=0), constant(1, 8, 0.1, momentum=0.0)),
    ],
)
def test_a_whole_number_in_a_decimal_field_gives_the_same_key(whole: Regime, decimal: Regime) -> None:
    assert replace(PLAIN, regime=whole).key == replace(PLAIN, regime=decimal).key


def test_a_whole_number_in_a_files_decimal_field_is_read_as_decimal() -> None:
    form = edited(("regime", "phases", 0, "learning_rate"), 1)
    rate = RunSpec.from_json(form).regime.phases[0].learning_rate
    assert (type(rate), rate) == (float, 1.0)


PHASE = ("regime", "phases", 0)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("network",), 3, r"RunSpec\.network=3 must be str"),
        (("seed",), "0", r"RunSpec\.seed='0' must be int"),
        (("seed",), True, r"RunSpec\.seed=True must be int"),
        (
            ("optimizer",),
            "adamw",
            r"RunSpec\.optimizer='adamw' must be one of \('adam', 'sgd', 'nesterov', 'adagrad'\)",
        ),
        (("learning_rate",), 0.1, r"RunSpec=\['learning_rate'\] must be no field but .*'regime'"),
        (("kind",), "Plateau", r"RunSpec=.* must be RunSpec"),
        (("regime",), None, r"RunSpec\.regime=None must be Regime"),
        (("regime", "phases"), {}, r"RunSpec\.regime\.phases=\{\} must be a list"),
        (("regime", "phases"), [], "at least one phase"),
        ((*PHASE, "batch"), 256.0, r"RunSpec\.regime\.phases\[0\]\.batch=256\.0 must be int"),
        ((*PHASE, "learning_rate"), "0.1", r"phases\[0\]\.learning_rate='0\.1' must be a number"),
        ((*PHASE, "learning_rate"), -1, r"learning_rate=-1\.0 must be a positive finite number"),
        ((*PHASE, "clip"), "1", r"phases\[0\]\.clip='1' must be a number"),
        (("objective",), {"kind": "Hinge"}, r"RunSpec\.objective\.kind='Hinge' must be one of CrossEntropy, Proximal"),
        (("objective",), None, r"RunSpec\.objective=None must be a table that names its kind"),
        (("stop",), {"kind": "Plateau", "patience": 1.5}, r"RunSpec\.stop\.patience=1\.5 must be int"),
        (("start",), {"kind": "Start", "run": "0"}, r"RunSpec\.start: .*missing.*'update'"),
    ],
)
def test_a_form_that_is_no_spec_is_an_error_that_says_where(
    place: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RunSpec.from_json(edited(place, value))


@pytest.mark.parametrize("form", [None, 3, "RunSpec", [], {}])
def test_something_that_is_no_object_of_the_kind_is_an_error(form: Any) -> None:
    with pytest.raises(ValueError, match=r"must be RunSpec"):
        RunSpec.from_json(form)


@given(st.sampled_from([(entry.name,) for entry in fields(RunSpec)] + [PHASE, (*PHASE, "clip")]), JSON)
def test_whatever_stands_in_a_field_is_read_or_refused(place: tuple[str | int, ...], value: Any) -> None:
    try:
        spec = RunSpec.from_json(edited(place, value))
    except ValueError:
        return
    assert RunSpec.from_json(spec.as_json()) == spec


def edited(place: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The plain spec's form with `value` at `place`."""
    form = copy.deepcopy(PLAIN_FORM)
    inner: Any = form
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return form

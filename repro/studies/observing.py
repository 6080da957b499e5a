"""From what the store holds to rows of evidence: numbers where there are any, failures where there are none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from repro.claims.evidence import Observation, Provenance
from repro.errors import UsageError
from repro.runs.engine import merge
from repro.runs.measurements import MeasurementRequest, answer
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest, is_probed
from repro.studies.setting import NetworkSetting
from repro.studies.study import Need, Reading, RunRecord, Sample


@dataclass(frozen=True)
class _Result:
    """What became of a need: `status` is `ok`, `failed` or `diverged`."""

    status: str
    content: Any
    details: dict[str, Any]


def observe(store: RunStore, setting: NetworkSetting, samples: Iterable[Sample]) -> Iterator[Observation]:
    """The evidence that the store holds for samples of a setting; what was not run yet is left out."""
    for sample in samples:
        results = [_result(store, need) for need in sample.needs]
        finished = [result for result in results if result is not None]
        if len(finished) == len(results):
            yield from _observations(setting, sample, finished)


def _observations(setting: NetworkSetting, sample: Sample, results: list[_Result]) -> Iterator[Observation]:
    if sample.tries:
        results = [_as_a_try(need, result) for need, result in zip(sample.needs, results, strict=True)]
    bad = next((result for result in results if result.status != "ok"), None)
    if bad is None:
        readings, status = _readings(sample, results), "failed"
    else:
        readings, status = [Reading(math.nan, failure=bad.details["reason"])], bad.status
    details = results[-1].details
    for reading in readings:
        yield Observation(
            claim=sample.claim,
            network=setting.network,
            dataset=setting.dataset,
            profile=setting.profile,
            variant=sample.variant,
            arm=sample.arm,
            seed=sample.seed,
            quantity=sample.quantity,
            x=sample.x if reading.x is None else reading.x,
            value=reading.value,
            status=status if reading.failure else "ok",
            reason=reading.failure,
            residual=reading.residual,
            cost=reading.cost,
            seconds=sum(result.details["seconds"] for result in results if isinstance(result.content, dict)),
            spec=" ".join(sample.keys),
            provenance=Provenance(**{name: details[name] for name in Provenance.__dataclass_fields__}),
        )


def _as_a_try(need: Need, result: _Result) -> _Result:
    if result.status == "ok" or not isinstance(need, RunRequest):
        return result
    return _Result("ok", Reading(math.nan, failure=result.details["reason"]), result.details)


def _readings(sample: Sample, results: list[_Result]) -> list[Reading]:
    try:
        given = sample.read(*(result.content for result in results))
    except UsageError as error:
        given = Reading(math.nan, failure=str(error))
    readings = [given] if isinstance(given, Reading) else list(given)
    return [r if math.isfinite(r.value) or r.failure else r._replace(failure="not finite") for r in readings]


def _result(store: RunStore, need: Need) -> _Result | None:
    """What became of a need, or `None` where it was not run yet."""
    if isinstance(need, RunRequest):
        folder = store.folder(need.spec.key)
        status = folder.status
        word = {"complete": "ok"}.get(status["status"], status["status"])
        over = word in ("ok", "failed", "diverged") and is_probed(folder, need)
        return _Result(word, RunRecord(folder), status) if over else None
    for run in need.runs:
        result = _result(store, run)
        if result is None or result.status != "ok":
            return result
    known = answer(store, need)
    return None if known is None else _Result(known["status"], known["content"], known)


def needs_of(samples: Iterable[Sample]) -> tuple[list[RunRequest], list[MeasurementRequest]]:
    """Every run and every measurement that the samples need, themselves or through one another, once each."""
    needs = [need for sample in samples for need in sample.needs]
    measurements = [need for need in needs if not isinstance(need, RunRequest)]
    runs = merge([run for need in needs for run in need.runs])
    return list(runs.values()), list(dict.fromkeys(measurements))

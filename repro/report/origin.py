"""Where numbers come from: what is folded under every table and figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from repro.claims.evidence import Observation
from repro.report.cost import cost
from repro.report.markdown import code, folded
from repro.report.results import Place, Results

_COLUMNS = (
    *("claim", "variant", "network", "dataset", "arm", "seed", "quantity", "x"),
    *("value", "status", "reason", "residual", "spec"),
)


def origin(results: Results, used: Sequence[Observation]) -> str:
    """Command, commit, seeds, time, data set, machine and run keys of the observations `used`, at least one."""
    commits = (code(each.provenance.commit) if each.provenance.commit else "unknown" for each in used)
    facts = {
        "commit": ", ".join(_distinct(commits)),
        "seeds": ", ".join(map(str, sorted({each.seed for each in used}))),
        "by the clock": cost(results, used).parts,
        "data set": ", ".join(_distinct(data_set(results, each.network, each.dataset) for each in used)),
        "machine": ", ".join(_distinct(_machine(each) for each in used)),
        "runs": ", ".join(map(code, _distinct(key for each in used for key in each.spec.split()))) or "not recorded",
        "trained anew since, on another machine": ", ".join(map(code, _distinct(_retrained(results, used)))),
    }
    said = "\n".join(
        f"- *{name}* {fact}" for name, fact in {"command": code(command(results, used)), **facts}.items() if fact
    )
    return folded("Command, commit and runs", said)


def command(results: Results, used: Iterable[Observation]) -> str:
    """What to type to get the observations again."""
    claims = " ".join(sorted({each.claim for each in used}, key=lambda claim: (len(claim), claim)))
    return f"repro reproduce {results.paper.key} --profile {results.profile} --only {claims}"


def as_csv(used: Iterable[Observation]) -> bytes:
    """The observations as a table for machines."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(each, name) for name in _COLUMNS] for each in used)
    return written.getvalue().encode()


def data_set(results: Results, network: str, dataset: str) -> str:
    """The data set, and how many of its training examples what is measured of the weights rests on, if not all."""
    measured = results.measured(network)
    return f"{dataset} (sharpness, paths and curvature on {measured:,} examples)" if measured else dataset


IN_BRACKETS = (
    "In brackets after a data set: on how many of its training examples sharpness, paths and curvature are measured, "
    "if not on all."
)
"""Said of a table whose rows begin with `where`."""


def where(results: Results, place: Place) -> str:
    """`F1, mnist`, and in brackets how many examples are measured: `C1, cifar10-10k (5,000)`."""
    measured = results.measured(place.network)
    return ", ".join(place) + (f" ({measured:,})" if measured else "")


def _machine(observation: Observation) -> str:
    where = observation.provenance
    return f"{where.machine}, threads {where.threads}, torch {where.torch_version}, repro {where.package_version}"


def _retrained(results: Results, used: Sequence[Observation]) -> Iterator[str]:
    """Keys of runs whose record is of another machine than what was measured on them."""
    for each in used:
        for key in each.spec.split():
            if key in results.runs and results.runs[key]["machine"] != each.provenance.machine:
                yield key


def _distinct(words: Iterable[str]) -> list[str]:
    return sorted(set(words))

"""Where numbers come from: the line under every table and figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repro.claims.evidence import Observation
from repro.report.markdown import code
from repro.report.results import Results


def origin(results: Results, used: Sequence[Observation]) -> str:
    """Command, commit, seeds, seconds, data set and machine behind the observations `used`, which must not be empty."""
    claims = " ".join(sorted({each.claim for each in used}, key=lambda claim: (len(claim), claim)))
    command = f"repro reproduce {results.paper.key} --profile {results.profile} --only {claims}"
    commits = (code(each.provenance.commit) if each.provenance.commit else "unknown" for each in used)
    facts = {
        "command": code(command),
        "commit": ", ".join(_distinct(commits)),
        "seeds": ", ".join(map(str, sorted({each.seed for each in used}))),
        "seconds": _seconds(results, used),
        "data set": ", ".join(_distinct(data_set(results, each.network, each.dataset) for each in used)),
        "machine": ", ".join(_distinct(_machine(each) for each in used)),
    }
    return " · ".join(f"*{name}* {fact}" for name, fact in facts.items())


def data_set(results: Results, network: str, dataset: str) -> str:
    """The data set, with the subset that sharpness and paths were measured on."""
    measured = results.measured(network)
    return f"{dataset} ({measured:,} training examples for sharpness and paths)" if measured else dataset


def _seconds(results: Results, used: Iterable[Observation]) -> str:
    """Seconds by the clock on the wall; what several numbers share is counted once."""
    keys = {key for each in used for key in each.spec.split()}
    training = [results.runs[key]["seconds"] for key in sorted(keys) if key in results.runs]
    measuring = {each.seconds for each in used} - set(training)
    parts = {f"training {len(training)} runs": sum(training), "measuring": sum(sorted(measuring))}
    return ", ".join(f"{what} {seconds:,.0f}" for what, seconds in parts.items() if seconds) or "not recorded"


def _machine(observation: Observation) -> str:
    where = observation.provenance
    return f"{where.machine}, threads {where.threads}, torch {where.torch_version}, repro {where.package_version}"


def _distinct(words: Iterable[str]) -> list[str]:
    return sorted(set(words))

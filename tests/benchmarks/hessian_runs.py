"""One method on one problem in a process of its own: what it answers, what that costs, and how far off it is."""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from scipy.stats import wasserstein_distance

from repro.machine import WORKER_ENVIRONMENT, prepare
from tests.benchmarks.hessian_methods import METHODS, TOP, Answer
from tests.benchmarks.hessian_problems import SMALL, trained

ROOT = Path(__file__).parents[2]
PREPARED = ("ours", "SciPy", "PyHessian guarded")
PEERS = {"curvlinops": "curvlinops", "hessian-eigenthings": "hessian_eigenthings"}


@dataclass(frozen=True)
class Run:
    """An answer, or what was raised instead, the CPU seconds it took, and the memory it needed beyond the problem's."""

    answer: Answer | None
    raised: str
    seconds: float
    mebibytes: float


def run(problem: str, quantity: str, method: str) -> Run:
    command = [sys.executable, "-W", "ignore", "-m", __spec__.name, problem, quantity, method]
    environment = os.environ | WORKER_ENVIRONMENT
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    fields = json.loads(done.stdout)
    answer = fields.pop("answer")
    return Run(answer=Answer(**answer) if answer else None, **fields)


def truths(problem: str) -> Mapping[str, Run]:
    """What each quantity is held against: of a small network the whole spectrum, which serves them all."""
    spectrum = run(problem, "truth", "double gradient")
    if problem in SMALL:
        return dict.fromkeys(("eigenvalues", "trace", "density"), spectrum)
    return {"eigenvalues": spectrum, "trace": run(problem, "truth", "exact trace")}


def targets(quantity: str, truth: Answer) -> list[float]:
    return truth.values[:TOP] if quantity == "eigenvalues" else [sum(truth.values)]


def errors(quantity: str, answer: Answer, truth: Answer) -> list[float]:
    """By how much each eigenvalue or the trace is off."""
    return [abs(a - b) for a, b in zip(answer.values, targets(quantity, truth), strict=True)]


def off_by(quantity: str, answer: Answer, truth: Answer) -> float:
    """The worst error, as a fraction of the truth; of a density the Wasserstein-1 distance, as a fraction of λ₁."""
    if quantity == "density":
        return float(wasserstein_distance(answer.values, truth.values, answer.weights)) / truth.values[0]
    return worst(errors(quantity, answer, truth), targets(quantity, truth))


def worst(distances: Sequence[float], units: Sequence[float]) -> float:
    return max(distance / unit for distance, unit in zip(distances, units, strict=True))


def here(problem: str, quantity: str, method: str) -> Run:
    """The run, in this process; the networks are trained alike for all, before ours chooses its matrix products."""
    torch.set_num_threads(1)
    torch.manual_seed(0)  # the other tools draw from the global generator
    given = trained(problem)
    if method.startswith(PREPARED):
        prepare()
    if package := PEERS.get(method.partition(",")[0]):
        importlib.import_module(package)
    answer, raised, memory, begun = None, "", _peak(), time.process_time()
    try:
        answer = METHODS[quantity][method](given)
    except Exception as error:
        raised = f"{type(error).__name__}: {str(error).partition('. ')[0]}"
    return Run(answer, raised, time.process_time() - begun, _peak() - memory)


def _peak() -> float:
    """Most memory that this process has held so far, MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    print(json.dumps(asdict(here(*sys.argv[1:]))))

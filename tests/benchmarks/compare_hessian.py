"""Writes docs/hessian-tools.md: each method on each problem, in a process of its own. Run by `make compare-hessian`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from string import Template

from repro.atomic import write_bytes
from repro.machine import cpu_name, prepare
from repro.report.markdown import blocks, listing, table
from tests.benchmarks.hessian_methods import METHODS, Answer
from tests.benchmarks.hessian_problems import EXAMPLES, NETWORKS
from tests.benchmarks.hessian_runs import ROOT, Run, errors, off_by, run, targets, truths, worst

PAGE = ROOT / "docs" / "hessian-tools.md"
PACKAGES = ("torch", "scipy", "pyhessian", "curvlinops-for-pytorch", "hessian-eigenthings")
ROUNDING = 1e-6
HEAD = ("method", "found", "off by", "claims", "honest", "products", "CPU s", "MiB")
TITLES = {
    "eigenvalues": "The five largest eigenvalues",
    "trace": "The trace",
    "density": "The density",
}

INTRODUCTION = Template("""\
# Tools for the Hessian

The five largest eigenvalues, the trace and the density of the same Hessians by this package, by SciPy on this package's
products, and by three other tools for PyTorch. Each network tells $examples digits of 8 by 8 pixels apart. It was
trained with Adam and batches of 64, and is measured in evaluation mode.

| column | meaning |
|---|---|
| found | the eigenvalues, the trace, or how many nodes the density has |
| off by | distance to the truth, as a fraction of it; of five eigenvalues the worst. For a density the Wasserstein-1 \
distance to the whole spectrum, as a fraction of λ₁ |
| claims | the error that the tool itself states, in the same unit: a bound, a residual, the tolerance that a solver \
says it reached, or three standard errors; a dash if it states none |
| honest | whether each error is within its claim; a millionth of the largest value is forgiven to all, for float32 |
| products | with the Hessian |
| CPU s | on one thread, set-up included, imports and training not |
| MiB | by how much the peak of the process (`ru_maxrss`) grew |

The truth is float64. For the small networks it is the dense Hessian, by torch's own double gradients; for the larger
ones SciPy's `eigsh` to 1e-9 on the same products, and the exact trace. The others compute in float32. A density is held
against a whole spectrum, so only the small networks have that table. Other tools get all examples as one batch unless
their row says otherwise. Each row is one run: read the CPU seconds as ratios.

What the tables show:

- PyHessian's `tol` bounds the change between two iterations, not the error. Its trace, as it comes, stops where two
  means happen to agree. Its density calls `torch.eig`, which torch no longer has. *Guarded* is PyHessian through this
  package's adapter, which repairs what can be repaired from outside.
- hessian-eigenthings takes 10 steps for five eigenvalues unless told otherwise, and then says that they have not
  converged. It counts a short last batch like a full one, and beyond 50 steps returns copies of λ₁; of both it says
  that they have.
- A bound says that an eigenvalue is near, not that none was missed. A loose tolerance can end a search, ours too,
  before it has seen the fifth: ask for 1e-6, which takes only a few products more.
- Nor does a claim know of the network's kinks. A ReLU whose input is within float32's rounding of zero may fall on
  either side of it, and one such unit among millions moves an eigenvalue by more than a claim of 1e-6 allows.

Written by `make compare-hessian` on $machine, one thread, products of float32 matrices by $products; $versions.
""")


def main() -> None:
    parts = [introduction()]
    for problem, recipe in NETWORKS.items():
        size = sum(parameter.numel() for parameter in recipe.build().parameters())
        parts.append(f"## {problem}: {size:,} parameters")
        for quantity, truth in truths(problem).items():
            parts += [f"### {TITLES[quantity]}, {problem}", table(HEAD, rows(problem, quantity, truth))]
    write_bytes(PAGE, blocks(parts).encode())


def introduction() -> str:
    versions = listing(f"{package} {version(package)}" for package in PACKAGES)
    products = {"onednn": "oneDNN", "default": "torch's default"}[prepare()]
    return INTRODUCTION.substitute(examples=f"{EXAMPLES:,}", machine=cpu_name(), products=products, versions=versions)


def rows(problem: str, quantity: str, truth: Run) -> Iterator[Sequence[str]]:
    assert truth.answer
    yield "truth", found(quantity, truth.answer), "–", "–", "–", *cost(truth)
    for method in METHODS[quantity]:
        print(f"{problem}: {quantity}, {method}", flush=True)
        done = run(problem, quantity, method)
        if done.answer:
            error = scientific(off_by(quantity, done.answer, truth.answer))
            yield method, found(quantity, done.answer), error, *claim(quantity, done.answer, truth.answer), *cost(done)
        else:
            yield method, f"raises {done.raised}", "–", "–", "–", *cost(done)


def found(quantity: str, answer: Answer) -> str:
    if quantity == "density":
        return f"{len(answer.values)} {'nodes' if answer.weights else 'eigenvalues'}"
    return ", ".join(f"{value:#.4g}" for value in targets(quantity, answer))


def claim(quantity: str, answer: Answer, truth: Answer) -> tuple[str, str]:
    if answer.claims is None:
        return "–", "–"
    exact = targets(quantity, truth)
    pairs = zip(errors(quantity, answer, truth), answer.claims, strict=True)
    honest = all(error <= claimed + ROUNDING * exact[0] for error, claimed in pairs)
    return scientific(worst(answer.claims, exact)), "yes" if honest else "**no**"


def cost(done: Run) -> tuple[str, str, str]:
    products = str(done.answer.products) if done.answer else "–"
    return products, f"{done.seconds:.2f}", f"{done.mebibytes:.0f}"


def scientific(number: float) -> str:
    return f"{number:.1e}" if number else "0"


if __name__ == "__main__":
    main()

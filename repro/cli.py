"""The command line: exit code 0 is done, 1 failed, 2 wrong usage; warnings go to standard error."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from repro import __version__
from repro.errors import ReproError, UsageError

if TYPE_CHECKING:
    from repro.runs.measurements import MeasurementRequest
    from repro.runs.store import RunFolder

Command = Callable[[argparse.Namespace], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        command(arguments)
        sys.stdout.flush()
    except UsageError as error:
        return _failed(str(error), 2)
    except ReproError as error:
        return _failed(str(error), 1)
    except KeyboardInterrupt:
        return _failed("stopped; what was finished is kept, and the same command goes on from there.", 1)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return 0


def _failed(message: str, code: int) -> int:
    print(f"repro: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "repro",
        description="Hold published claims on batch size against measurements.",
        epilog="Environment: REPRO_DATA is the folder of the data sets; REPRO_DEVICE is where networks are trained and "
        "measured, cpu (default), cuda or cuda:N.",
    )
    parser.add_argument("--version", action="version", version=f"repro {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_reproduce(commands)
    _add_claims(commands)
    _add_report(commands)
    _add_data(commands)
    _add_runs(commands)
    _add_sharpness(commands)
    _add_spectrum(commands)
    _add_theory(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add(commands: Commands, name: str, command: Command, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=command)
    return parser


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", help="quick (embedded data, default), laptop or paper")


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, default=Path("runs"), help="folder of the runs (default: %(default)s)")


def _add_reproduce(commands: Commands) -> None:
    parser = _add(commands, "reproduce", _reproduce, "train, measure, record the evidence, and judge a paper's claims")
    parser.add_argument("paper", help="the paper's key, for example keskar2017")
    _add_profile(parser)
    _add_store(parser)
    parser.add_argument("--only", nargs="+", default=(), metavar="CLAIM", help="some claims, for example K1 K3")
    parser.add_argument("--networks", nargs="+", default=(), metavar="NETWORK", help="some networks, for example F1")
    parser.add_argument("--primary", action="store_true", help="the primary rows alone, without their variants")
    _add_workers(parser)
    nothing = parser.add_mutually_exclusive_group()
    nothing.add_argument("--dry-run", action="store_true", help="say what would be run and what it would cost")
    nothing.add_argument(
        "--record", action="store_true", help="run nothing: evidence from what the store holds already"
    )


def _reproduce(arguments: argparse.Namespace) -> None:
    from repro.claims.table import as_table
    from repro.runs.store import RunStore
    from repro.studies.dry_run import as_lines, estimate, regimes
    from repro.studies.reproduce import Plan, carry_out, record

    plan = Plan(arguments.paper, arguments.profile, tuple(arguments.only), arguments.primary, tuple(arguments.networks))
    store = RunStore(arguments.store.resolve())
    if arguments.dry_run:
        print("\n".join([*as_lines(estimate(plan, store)), *regimes(plan)]))
        return
    if not arguments.record:
        carry_out(plan, store, arguments.workers)
    rows = record(plan, store)
    print(as_table([row for row in rows if plan.covers(row.claim, row.variant, row.network)]))


def _add_claims(commands: Commands) -> None:
    parser = _add(commands, "claims", _claims, "print the ledger: each claim, its verdict and its numbers")
    parser.add_argument("paper", nargs="?", help="one paper's key; all papers if left out")
    _add_profile(parser)
    parser.add_argument("--json", action="store_true", help="for machines: a list of objects")


def _claims(arguments: argparse.Namespace) -> None:
    from repro.claims import ledger
    from repro.claims.table import as_table
    from repro.studies.papers import check_key, keys, papers_folder
    from repro.studies.profiles import with_profile

    papers = keys() if arguments.paper is None else [check_key(arguments.paper)]
    rows = []
    for folder in with_profile((papers_folder() / paper for paper in papers), arguments.profile):
        path = folder / "results" / arguments.profile / "ledger.json"
        if arguments.paper is not None or path.exists():
            rows += ledger.read(path)
    if arguments.json:
        print(json.dumps([row.as_json() for row in rows], indent=1))
    else:
        print(as_table(rows) if rows else f"Nothing is recorded in the profile {arguments.profile!r}.")


def _add_report(commands: Commands) -> None:
    parser = _add(commands, "report", _report, "write the pages and figures of docs/results from the evidence")
    parser.add_argument("--check", action="store_true", help="write nothing: fail where a page is not what it would be")


def _report(arguments: argparse.Namespace) -> None:
    from repro.report.site import stale_files, write_site

    if not arguments.check:
        print("\n".join(map(str, write_site(parser=_parser()))))
    elif stale := stale_files(parser=_parser()):
        raise ReproError(f"{', '.join(map(str, stale))}: older than the evidence. Run `repro report`.")


def _add_data(commands: Commands) -> None:
    summary = "list, get or verify data sets"
    parser = commands.add_parser("data", help=summary, description=summary)
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(actions, "list", _data_list, "name the data sets, their sizes, licences and what to cite")
    _add(actions, "get", _data_get, "bring a data set into the cache").add_argument("name")
    _add(actions, "verify", _data_verify, "check a data set's files against their checksums").add_argument("name")


def _data_list(_: argparse.Namespace) -> None:
    from repro.data import CATALOGUE

    print(f"{'name':16} {'train':>7} {'test':>7} {'classes':>7}  {'one input':14} what, licence, work to cite")
    for entry in CATALOGUE.values():
        shape = " x ".join(map(str, entry.shape))
        sizes = f"{entry.train:7} {entry.test:7} {entry.classes:7}"
        print(f"{entry.name:16} {sizes}  {shape:14} {entry.title}; {entry.licence}; {entry.citation}")


def _data_get(arguments: argparse.Namespace) -> None:
    from repro.data import get

    _print_files(get(arguments.name))


def _data_verify(arguments: argparse.Namespace) -> None:
    from repro.data import verify

    _print_files(verify(arguments.name))


def _print_files(paths: Sequence[Path]) -> None:
    for path in paths:
        print(f"verified {path}")


def _add_runs(commands: Commands) -> None:
    summary = "list runs, or show one"
    parser = commands.add_parser("runs", help=summary, description=summary)
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_store(_add(actions, "list", _runs_list, "one line a run"))
    show = _add(actions, "show", _runs_show, "a run's spec, status and last epoch")
    show.add_argument("key", help="the run's key, or its beginning")
    _add_store(show)


def _runs_list(arguments: argparse.Namespace) -> None:
    from repro.runs.store import RunStore

    store = RunStore(arguments.store)
    lines = [f"{key}  {_in_a_line(store.folder(key))}" for key in store.keys()]  # noqa: SIM118 - a method, not a mapping
    print("\n".join(lines) or f"There are no runs in {store.root}.")


def _in_a_line(folder: RunFolder) -> str:
    try:
        spec, status = folder.spec, folder.status
    except ReproError as error:
        return str(error)
    phase = spec.regime.phases[0]
    what = f"{spec.network} {spec.dataset} batch {phase.batch} {spec.optimizer} rate {phase.learning_rate:g}"
    return f"{status['status']:9} {status.get('updates', 0):7} updates  {what} seed {spec.seed}"


def _runs_show(arguments: argparse.Namespace) -> None:
    from repro.runs.store import RunStore

    folder = RunStore(arguments.store).open(arguments.key)
    epochs = folder.rows("epoch")
    shown = {"spec": folder.spec.as_json(), "status": folder.status, "last_epoch": epochs[-1] if epochs else None}
    print(json.dumps({"key": folder.path.name, **shown}, indent=1))


def _add_sharpness(commands: Commands) -> None:
    parser = _add(commands, "sharpness", _sharpness, "Keskar's sharpness at a stored run's weights, as JSON")
    _add_weights(parser)
    parser.add_argument("--eps", type=float, default=1e-3, help="relative size of the box (default: %(default)s)")
    parser.add_argument("--rule", choices=("searched", "ascent", "published"), default="searched")
    parser.add_argument("--manifold", type=int, default=0, metavar="P", help="random columns; 0 is the full space")
    parser.add_argument("--batchnorm", choices=("recomputed", "batch"), default="recomputed")
    parser.add_argument("--budget", type=_positive, default=60, help="full-data gradients (default: %(default)s)")


def _sharpness(arguments: argparse.Namespace) -> None:
    from repro.studies.minimum import ManifoldSharpnessAt, SharpnessAt

    chosen = {name: getattr(arguments, name) for name in ("eps", "rule", "batchnorm", "budget")}
    if arguments.manifold:
        _print_measured(arguments, partial(ManifoldSharpnessAt, **chosen, columns=arguments.manifold))
    else:
        _print_measured(arguments, partial(SharpnessAt, **chosen))


def _add_spectrum(commands: Commands) -> None:
    parser = _add(commands, "spectrum", _spectrum, "Hessian eigenvalues, trace and density at a stored run, as JSON")
    _add_weights(parser)
    parser.add_argument("--engine", choices=("lanczos", "eigsh", "pyhessian"), default="lanczos")
    parser.add_argument("--top", type=_positive, default=5, help="largest eigenvalues (default: %(default)s)")
    parser.add_argument("--probes", type=_positive, default=2, help="of the density (default: %(default)s)")
    parser.add_argument("--steps", type=_positive, default=40, help="of Lanczos, for each (default: %(default)s)")
    parser.add_argument("--tol", type=float, default=1e-6, help="of an eigenvalue, a fraction (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of what is random (default: the run's own)")
    parser.add_argument("--measured", type=int, default=0, help="evenly spaced examples; 0 is all of the training set")


def _spectrum(arguments: argparse.Namespace) -> None:
    from repro.studies.curvature import SpectrumAt

    names = ("engine", "top", "probes", "steps", "tol", "seed", "measured")
    chosen = {name: getattr(arguments, name) for name in names}
    _print_measured(arguments, partial(SpectrumAt, **chosen))


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="the run's key, or its beginning")
    _add_store(parser)
    parser.add_argument("--update", type=int, default=None, help="weights after this update (default: the end)")


def _print_measured(arguments: argparse.Namespace, request: Callable[..., MeasurementRequest]) -> None:
    """Measure at a stored run's weights, and print the answer; `request` takes the run's spec, and the update."""
    from repro.runs.measurements import measure_all
    from repro.runs.store import RunStore

    store = RunStore(arguments.store.resolve())
    folder = store.open(arguments.key)
    folder.weights(arguments.update)  # wrong usage where they were not kept
    ((_, answer),) = measure_all(store, [request(folder.spec, update=arguments.update)], workers=1)
    if answer["status"] == "failed":
        raise ReproError(f"{arguments.key}: {answer['reason']}")
    print(json.dumps(answer, indent=1))


def _add_theory(commands: Commands) -> None:
    parser = _add(commands, "theory", _theory, "check every identity of the papers' theory, and write the table")
    parser.add_argument("--profile", choices=("quick", "long"), default="long", help="at most 100 or 500 examples each")
    _add_workers(parser)
    parser.add_argument("--json", action="store_true", help="run nothing: print the table as it stands, for machines")


def _theory(arguments: argparse.Namespace) -> None:
    from repro.studies import theory

    if arguments.json:
        print(json.dumps(theory.as_json(theory.read()), indent=1))
        return
    rows = theory.check(arguments.profile, arguments.workers)
    print("\n".join(f"{row.status:8} {row.id:44} {row.title}" for row in rows))
    if failing := [row.id for row in rows if row.status != "holds"]:
        raise ReproError(f"{', '.join(failing)}: not shown to hold; the tests' output above says why.")


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=_positive, default=2, help="processes at once (default: %(default)s)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""A set of the Netflix prize's shape: seconds, memory and quality of one solver at a time.

    python -m bench.compare netflix --solver strads libmf cmfrec
    python -m bench.compare netflix --solver strads implicit cmfrec --kind implicit --rank 64
    python -m bench.compare netflix --scaling

Every solver fits in a process of its own, one after another. *Input* is its memory with the ratings
in the solver's native form, *peak* the most of all its processes together during the fit, by
samples of half a second. `--scaling` sets one worker against two, and against two processes of one
worker each, working at the same time on fits of their own: what the machine gives to two that
need not wait for each other.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

from bench.compare import netflix
from bench.compare.child import start
from bench.compare.solver import Setting
from bench.compare.solvers import present, version
from bench.harness.memory import INTERVAL
from bench.harness.process import SCALING, gains, together
from bench.harness.tables import keep, number, show

SOLVERS = {"explicit": ("strads", "strads-als", "libmf", "cmfrec", "cmfrec-biased",
                        "cmfrec-cholesky"),
           "implicit": ("strads", "implicit", "cmfrec", "cmfrec-cholesky")}  # fmt: skip
REGULARIZATION = {"explicit": 0.05, "implicit": 0.01}


@dataclass(frozen=True)
class Run:
    """One fit; sizes in MiB."""

    data: str
    kind: str
    what: str
    solver: str
    version: str
    rank: int
    iterations: int
    regularization: float
    seconds: float
    input_mib: float
    peak_mib: float
    value: float  # held-out RMSE, or the implicit objective


def main(arguments: list[str] | None = None) -> list[Run]:
    """Run the comparison; return its rows."""
    options = _options(arguments)
    data = f"netflix:{netflix.TINY if options.tiny else options.ratings}"
    netflix.load(int(data.partition(":")[2]))  # generated before anything is measured
    setting = Setting(options.rank, options.iterations, options.regularization)
    runs = (_scaling if options.scaling else _each)(data, setting, options)
    _show(runs)
    if runs and not options.tiny:
        keep("netflix", map(asdict, runs))
    return runs


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.compare netflix", description=__doc__.split("\n")[0]
    )
    every = sorted({name for names in SOLVERS.values() for name in names})
    parser.add_argument("--solver", nargs="+", default=["strads"], choices=every)
    parser.add_argument("--kind", choices=list(SOLVERS), help="explicit unless a solver is not")
    parser.add_argument("--ratings", type=int, default=netflix.RATINGS)
    parser.add_argument("--rank", type=int, default=40)
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--regularization", type=float, help="0.05 explicit, 0.01 implicit")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--cold", action="store_true", help="with import and compilation")
    parser.add_argument("--scaling", action="store_true", help="what the second worker buys")
    parser.add_argument("--repeats", type=int, default=1, help="of --scaling")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds between samples")
    parser.add_argument("--tiny", action="store_true", help="few ratings: does it run at all")
    options = parser.parse_args(arguments)
    fits = [kind for kind, names in SOLVERS.items() if {*options.solver} <= {*names}]
    options.kind = options.kind or (fits[0] if fits else "")
    if options.kind not in fits:
        parser.error("these solvers have no kind of ratings in common")
    if options.regularization is None:
        options.regularization = REGULARIZATION[options.kind]
    return options


def _each(data: str, setting: Setting, options: argparse.Namespace) -> list[Run]:
    names = []
    for name in options.solver:
        names += [f"{name}-{p}" for p in options.workers] if "strads" in name else [name]
    runs = []
    for name in present(options.kind, names):
        runs += _together(data, setting, options, [name], "alone")
    return runs


def _scaling(data: str, setting: Setting, options: argparse.Namespace) -> list[Run]:
    runs: list[Run] = []
    if not present(options.kind, ["strads-1"]):
        return runs
    for _ in range(options.repeats):
        for what, names in SCALING.items():
            runs += _together(data, setting, options, names, what)
    show("fits a second, of one worker's", ("run", "fits"),
         gains((run.what, run.seconds) for run in runs))  # fmt: skip
    return runs


def _together(
    data: str, setting: Setting, options: argparse.Namespace, names: list[str], what: str
) -> list[Run]:
    """Fit in as many processes as names, begun at the same time."""
    kind, runs = options.kind, []
    children = [start(kind, data, name, setting, cold=options.cold) for name in names]
    for name, (answer, before, peak) in zip(
        names, together(children, options.interval), strict=True
    ):
        runs.append(Run(data, kind, what, name, version(kind, name), setting.rank,
                        setting.iterations, setting.regularization,
                        answer["end"] - answer["begin"], before / 2**20, peak / 2**20,
                        answer["value"]))  # fmt: skip
    return runs


def _show(runs: list[Run]) -> None:
    if not runs:
        return
    first = runs[0]
    judged = "RMSE" if first.kind == "explicit" else "objective"
    show(
        f"{first.data}, rank {first.rank}, {first.iterations} iterations, λ = "
        f"{first.regularization:g}",
        ("solver", "run", "seconds", "input MiB", "peak MiB", judged),
        [(f"{run.solver} {run.version}", run.what, f"{run.seconds:.2f}", f"{run.input_mib:,.0f}",
          f"{run.peak_mib:,.0f}", number(run.value, ".6g")) for run in runs],
    )  # fmt: skip

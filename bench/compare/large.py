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
from typing import Any

from bench.compare import netflix
from bench.compare.child import start
from bench.compare.peers import PEERS
from bench.compare.solver import Setting
from bench.compare.solvers import present, version
from bench.harness.footprint import measured, scaling, show_gains
from bench.harness.memory import INTERVAL
from bench.harness.process import Process
from bench.harness.tables import keep, show_rows

OURS = {"explicit": ["strads", "strads-als"], "implicit": ["strads"]}
SOLVERS = {kind: [*OURS[kind], *PEERS[kind]] for kind in OURS}
REGULARIZATION = {"explicit": 0.05, "implicit": 0.01}
COLUMNS = [("solver", "{solver} {version}"), ("run", "{what}"), ("seconds", "{seconds:.2f}"),
           ("input MiB", "{input_mib:,.0f}"), ("peak MiB", "{peak_mib:,.0f}")]  # fmt: skip
JUDGED = {"explicit": ("RMSE", "{value:.6g}"), "implicit": ("objective", "{value:.6g}")}


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Run the comparison; return a row for every fit, with its held-out RMSE or objective."""
    options = _options(arguments)
    kind, total = options.kind, netflix.TINY if options.tiny else options.ratings
    data = f"netflix:{total}"
    netflix.load(total)  # generated before anything is measured
    setting = Setting(options.rank, options.iterations, REGULARIZATION[kind])

    def begin(name: str) -> Process:
        return start(kind, data, name, setting, cold=False)

    rows: list[dict[str, Any]] = []
    if not options.scaling:
        for name in present(kind, _names(options)):
            rows += measured([begin(name)], interval=options.interval)
    elif present(kind, ["strads-1"]):
        rows = scaling(begin, options.repeats, options.interval)
        show_gains(rows, "fits", "seconds")
    rows = [{"data": data, "kind": kind, "version": version(kind, row["solver"])}
            | setting._asdict() | row for row in rows]  # fmt: skip
    title = "{data}, rank {rank}, {iterations} iterations, λ = {regularization:g}"
    show_rows(title, [*COLUMNS, JUDGED[kind]], rows)
    if rows and not options.tiny:
        keep("netflix", rows)
    return rows


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
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--scaling", action="store_true", help="what the second worker buys")
    parser.add_argument("--repeats", type=int, default=1, help="of --scaling")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds between samples")
    parser.add_argument("--tiny", action="store_true", help="few ratings: does it run at all")
    options = parser.parse_args(arguments)
    fits = [kind for kind, names in SOLVERS.items() if {*options.solver} <= {*names}]
    options.kind = options.kind or (fits[0] if fits else "")
    if options.kind not in fits:
        parser.error("these solvers have no kind of ratings in common")
    return options


def _names(options: argparse.Namespace) -> list[str]:
    names = []
    for name in options.solver:
        names += [f"{name}-{p}" for p in options.workers] if "strads" in name else [name]
    return names

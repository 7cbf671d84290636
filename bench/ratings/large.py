"""A set of the Netflix prize's shape: seconds, memory and quality of one solver at a time.

python -m bench.compare netflix --solver strads libmf cmfrec
python -m bench.compare netflix --solver strads implicit cmfrec --kind implicit --rank 64
python -m bench.compare netflix --scaling
"""

import itertools
from typing import Annotated, Any

from typer import Option

from bench.harness import footprint
from bench.harness.process import INTERVAL, Process
from bench.harness.tables import Table, keep
from bench.ratings.data import netflix
from bench.ratings.problem import Factorisation

REGULARIZATION = {"explicit": 0.05, "implicit": 0.01}
VALUE = {"explicit": "RMSE", "implicit": "objective"}


def main(
    solver: list[str] = ("strads",),
    kind: Annotated[str, Option(help="explicit unless a solver is not")] = "",
    ratings: int = netflix.RATINGS,
    rank: int = 40,
    iterations: int = 15,
    workers: list[int] = (1, 2),
    scaling: Annotated[bool, Option(help="what the second worker buys")] = False,
    repeats: Annotated[int, Option(help="of --scaling")] = 1,
    interval: Annotated[float, Option(help="seconds between samples")] = INTERVAL,
    tiny: Annotated[bool, Option(help="few ratings: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """A set of the Netflix prize's shape: seconds, memory and quality of one solver at a time.

    Every solver fits in a process of its own, one after another. Input is its memory with the
    ratings in the solver's native form, peak the most of all its processes together during the fit.
    --scaling sets one worker against two, and against two processes of one worker each, working at
    the same time on fits of their own: what the machine gives to two that need not wait for each
    other.
    """
    only = {Factorisation.solver(name)[0].only for name in solver} - {""}
    kind = kind or (only.pop() if only else "explicit")
    if only - {kind}:
        raise ValueError("these solvers have no kind of ratings in common")
    problem = Factorisation(kind, f"netflix:{netflix.TINY if tiny else ratings}")
    problem.load()  # generated before anything is measured
    setting = {"rank": rank, "iterations": iterations, "regularization": REGULARIZATION[kind]}
    if scaling:
        rows = footprint.scaling(problem, [setting], repeats, "fits", "seconds", interval)
    else:
        rows = []
        for family, crew in itertools.product(solver, workers):
            name = f"{family}-{crew}" if "strads" in family else family
            if crew == workers[0] or name != family:
                for each in problem.present([name]):
                    child = Process(problem, each, setting, compiled=True)
                    rows += footprint.footprint([child], interval=interval)
    rows = [problem.heading(row["solver"], setting) | row for row in rows]
    Table("{data}, rank {rank}, {iterations} iterations, λ = {regularization:g}", [
        ("solver", "{solver} {version}"), ("run", "{run}"), ("seconds", "{seconds:.2f}"),
        ("input MiB", "{input_mib:,.0f}"), ("peak MiB", "{peak_mib:,.0f}"),
        (VALUE[kind], "{value:.6g}"),
    ], rows).show()  # fmt: skip
    if rows and not tiny:
        keep("netflix", rows)
    return rows

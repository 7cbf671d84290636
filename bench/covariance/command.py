"""``python -m bench.compare covariance``: sparse graphs of variables beside other packages."""

import itertools
from typing import Annotated, Any

from typer import Option

from bench.covariance.data import columns
from bench.covariance.problem import KINDS, Graphs
from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.logistic.command import able

COLUMNS = [("tol", "{tol:.1e}"), ("value", "{value:.1e}{missed}"), ("edges", "{edges:,}")]
DATA = (
    "alon", "golub-1000", "golub-4000", "power-law-500", "power-law-1000", "power-law-2000",
    "power-law-4000",
)  # fmt: skip
#: The tolerance that every solver begins with.
LOOSEST = 0.1


def main(
    data: list[str] = DATA,
    kind: Annotated[list[str], Option(help="of " + ", ".join(KINDS))] = ("glasso",),
    share: Annotated[list[float], Option(help="α divided by the largest correlation")] = (0.6,),
    gap: Annotated[list[float], Option(help="what the judge is content with")] = (1e-3,),
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 120.0,
    fit_limit: Annotated[
        float, Option(help="seconds after which a single fit of a peer is ended; 0: never")
    ] = 0.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time until a matrix is judged near enough to its optimum.

    The graphical Lasso is judged by its objective above a lower bound, neighbourhood selection by
    the largest relative duality gap of its Lassos, CONCORD by the largest violation of the
    conditions of optimality. Each solver's own tolerance is first tightened, untimed, until the
    judge is content. With `--fit-limit` each fit of a peer has a process of its own. Covariances
    are given, except to the Lassos of scikit-learn.
    """
    names = [f"strads-{each}" for each in workers] + Graphs.present(peers)
    rows: list[dict[str, Any]] = []
    for name, X in loaded(["tiny"] if tiny else data, columns):
        n, p = X.shape
        for each, ratio, target in itertools.product(kind, share, gap):
            problem = Graphs(name, each, ratio, target)
            entries = [Entry(who, {"tol": None}, target, LOOSEST) for who in able(problem, names)]
            found = Race(problem, limit=limit, fit_limit=fit_limit).run(
                entries, repeats=repeats, cold=cold
            )
            show_race(f"{name}: {n:,} × {p:,}, {each}, {ratio:g} α_max, {target:g}", found, COLUMNS)
            rows += found
    if rows and not tiny:
        keep("covariance", rows)
    return rows

"""``python -m bench.compare penalties``: concave penalties, counts and weights of features.

A peer's tolerance is not what is judged. skglm's is, as a share of α, the stationarity residual;
for the other kinds, where gaps are judged, it begins with a tolerance above the target.
"""

import itertools
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import scipy.sparse as sp
from typer import BadParameter, Option

from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.lasso.data import Dataset
from bench.logistic.command import able
from bench.penalties.data import counted, measured
from bench.penalties.problem import KINDS, Penalised


class Kind(NamedTuple):
    """What is compared of a kind, unless the command line says otherwise."""

    load: Callable[[str], Dataset]
    data: tuple[str, ...]
    divisors: tuple[float, ...]
    looser: float  # the tolerance that skglm begins with, relative to the target
    columns: tuple[tuple[str, str], ...]  # of the table


GAP = (("gap", "{value:.1e}{missed}"),)
DEFAULTS = {
    "concave": Kind(measured, ("ar", "gene-11tumors", "20news-bow"), (3.0, 10.0, 30.0), 1.0,
                    (("residual", "{value:.1e}{missed}"), ("objective", "{objective:.6f}"))),
    "counts": Kind(counted, ("ar", "20news-bow"), (10.0, 100.0), 1000.0, GAP),
    "weights": Kind(measured, ("ar", "20news-bow"), (10.0, 50.0), 1000.0, GAP),
}  # fmt: skip


def main(
    kind: Annotated[list[str], Option(help="concave: the MCP; counts: Poisson; "
                                           "weights: of features")] = tuple(KINDS),
    data: Annotated[list[str], Option(help="by default, those of each kind")] = (),
    divisor: Annotated[list[float], Option(help="α is α_max divided by this; by default, "
                                                "those of each kind")] = (),
    gap: Annotated[float, Option(help="relative duality gap, or, of concave penalties, "
                                      "stationarity residual, judged")] = 1e-6,
    intercept: Annotated[bool, Option(help="whether models have an intercept")] = True,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 60.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to a judged answer of the MCP, of Poisson regression, and of a weighted Lasso.

    Each solver's own tolerance is first tightened, untimed, until the judge is content. A peer
    that has not one of the kinds is left out of its tables.
    """
    for each in kind:
        if each not in KINDS:
            raise BadParameter(f"--kind {each}: give {' or '.join(KINDS)}")
    names = [f"strads-{each}" for each in workers] + Penalised.present(peers)
    rows: list[dict[str, Any]] = []
    for each in kind:
        given, found = DEFAULTS[each], list[dict[str, Any]]()
        sets = loaded(["tiny"] if tiny else data or given.data, given.load)
        for (name, read), ratio in itertools.product(sets, divisor or given.divisors):
            problem = KINDS[each](name, ratio, intercept)
            entries = [entry(solver, given, gap) for solver in able(problem, names)]
            raced = Race(problem, limit=limit).run(entries, repeats=repeats, cold=cold)
            columns = [("tol", "{tol:.1e}"), *given.columns, ("nonzeros", "{nonzeros:,}"),
                       ("idle", "{idle:.3f}")]  # fmt: skip
            show_race(title(problem, read), raced, columns)
            found += raced
        if found and not tiny:
            keep(f"penalties-{each}", found)
        rows += found
    return rows


def entry(solver: str, kind: Kind, target: float) -> Entry:
    """A solver with the tolerance it begins with: skglm's may be above the target."""
    looser = kind.looser if solver.startswith("skglm") else 1.0
    return Entry(solver, {"tol": None}, target, looser * target)


def title(problem: Penalised, data: Dataset) -> str:
    """What a table is of."""
    n, p = data.X.shape
    size = data.X.nnz if sp.issparse(data.X) else data.X.size
    free = "" if problem.intercept else ", no intercept"
    return (f"{problem.model}, {problem.data}: {n:,} × {p:,}, {size:,} entries, "
            f"α_max/{problem.divisor:g}{free}")  # fmt: skip

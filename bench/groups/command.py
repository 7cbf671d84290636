"""``python -m bench.compare groups``: group Lasso and multi-task Lasso beside other packages.

A peer's tolerance is not a judged gap: skglm's is the distance of the gradient from the
subdifferential. So peers begin with a tolerance above the target.
"""

import itertools
from functools import partial
from typing import Annotated, Any

import scipy.sparse as sp
from typer import BadParameter, Option

from bench.groups.problem import WIDTHS, Groups, grouped
from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.lasso.data import Dataset
from bench.logistic.command import able

COLUMNS = [("tol", "{tol:.1e}"), ("gap", "{value:.1e}{missed}"), ("groups", "{active:,}"),
           ("idle", "{idle:.3f}")]  # fmt: skip
#: The tolerance that peers begin with, relative to the gap.
LOOSER = 1000.0


def main(
    kind: Annotated[list[str], Option(help="groups: of features; tasks: several")] = tuple(WIDTHS),
    data: list[str] = ("ar", "gene-11tumors"),
    divisor: Annotated[list[float], Option(help="α is α_max divided by this")] = (10.0, 50.0),
    gap: Annotated[list[float], Option(help="relative duality gap, judged")] = (1e-6,),
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 60.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to a judged gap of the group Lasso and the multi-task Lasso, with intercepts.

    Each solver's own tolerance is first tightened, untimed, until the judge is content. A peer
    that has not one of the kinds is left out of its tables.
    """
    for each in kind:
        if each not in WIDTHS:
            raise BadParameter(f"--kind {each}: give {' or '.join(WIDTHS)}")
    names = [f"strads-{each}" for each in workers] + Groups.present(peers)
    rows: list[dict[str, Any]] = []
    for each in kind:
        for name, found in loaded(["tiny"] if tiny else data, partial(grouped, kind=each)):
            for ratio, target in itertools.product(divisor, gap):
                problem = Groups(each, name, ratio)
                entries = [entry(solver, target) for solver in able(problem, names)]
                raced = Race(problem, limit=limit).run(entries, repeats=repeats, cold=cold)
                show_race(f"{title(problem, found)}, gap {target:g}", raced, COLUMNS)
                rows += raced
    if rows and not tiny:
        keep("groups", rows)
    return rows


def entry(solver: str, target: float) -> Entry:
    """A solver with the tolerance it begins with: ours is a gap."""
    looser = 1.0 if solver.startswith("strads") else LOOSER
    return Entry(solver, {"tol": None}, target, looser * target)


def title(problem: Groups, data: Dataset) -> str:
    """What a table is of."""
    (n, p), tasks = data.X.shape, data.y.shape[1]
    size = data.X.nnz if sp.issparse(data.X) else data.X.size
    model = f"groups of {problem.width}" if problem.kind == "groups" else f"{tasks} tasks"
    return (f"{problem.data}: {n:,} × {p:,}, {size:,} entries, {model}, "
            f"α_max/{problem.divisor:g}")  # fmt: skip

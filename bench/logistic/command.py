"""``python -m bench.compare logistic``: sparse logistic regression beside other packages."""

import itertools
from typing import Annotated, Any

import scipy.sparse as sp
from typer import Option

from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.logistic.problem import Logistic, labelled

COLUMNS = [("tol", "{tol:.1e}"), ("gap", "{value:.1e}{missed}"), ("nonzeros", "{nonzeros:,}"),
           ("idle", "{idle:.3f}")]  # fmt: skip


def main(
    data: list[str] = ("BASEHOCK", "w8a", "golub"),
    divisor: Annotated[list[float], Option(help="α is α_max divided by this")] = (10.0, 50.0),
    gap: Annotated[list[float], Option(help="relative duality gap, judged")] = (1e-6,),
    intercept: Annotated[bool, Option(help="whether models have an intercept")] = True,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 60.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to a judged gap of logistic regression with an L1 penalty.

    Each solver's own tolerance is first tightened, untimed, until the judge is content. A peer
    that cannot take a problem (sparse X, an intercept) is left out of its table.
    """
    names = [f"strads-{each}" for each in workers] + Logistic.present(peers)
    rows: list[dict[str, Any]] = []
    for name, (X, _) in loaded(["tiny"] if tiny else data, labelled):
        n, p = X.shape
        size = X.nnz if sp.issparse(X) else X.size
        for ratio, target in itertools.product(divisor, gap):
            problem = Logistic(name, ratio, intercept)
            entries = [Entry(each, {"tol": None}, target) for each in able(problem, names)]
            found = Race(problem, limit=limit).run(entries, repeats=repeats, cold=cold)
            title = f"{name}: {n:,} × {p:,}, {size:,} entries, α_max/{ratio:g}, gap {target:g}"
            show_race(title + ("" if intercept else ", no intercept"), found, COLUMNS)
            rows += found
    if rows and not tiny:
        keep("logistic", rows)
    return rows


def able(problem: Logistic, names: list[str]) -> list[str]:
    """The solvers that can take a problem; says why others cannot."""
    found = []
    for name in names:
        try:
            problem.start(name, {"tol": 1.0})
        except ValueError as reason:
            print(f"skipped: {reason}")
        else:
            found.append(name)
    return found

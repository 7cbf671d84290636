"""``python -m bench.compare svm``: linear support vector machines beside other packages."""

import itertools
from typing import Annotated, Any

import scipy.sparse as sp
from typer import Option

from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.logistic.command import able
from bench.svm.problem import Machines, by_rows

#: The tolerance that every solver begins with: some mean gradients, of which little is enough.
LOOSEST = 0.3
COLUMNS = [("tol", "{tol:.1e}"), ("above", "{value:.1e}{missed}"), ("models", "{models}")]


def main(
    data: list[str] = ("a9a", "w8a", "news20"),
    C: Annotated[list[float], Option("--C", help="weight of the loss")] = (1.0,),
    loss: Annotated[list[str], Option(help="by scikit-learn's names")] = ("squared_hinge",),
    gap: Annotated[list[float], Option(help="how far above the optimum, judged")] = (1e-3,),
    intercept: Annotated[bool, Option(help="whether models have an intercept")] = True,
    unit: Annotated[bool, Option(help="rows of sparse data have length one")] = True,
    two: Annotated[bool, Option(help="two classes, above the median and others")] = False,
    epsilon: Annotated[float, Option(help="half the width of the tube, in deviations of y")] = 0.1,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 60.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time until the worst model of a fit is judged near enough to its optimum.

    Each solver's own tolerance is first tightened, untimed, until the judge is content. A peer that
    cannot take a problem is left out of its table.
    """
    names = [f"strads-{each}" for each in workers] + Machines.present(peers)
    rows: list[dict[str, Any]] = []
    for kind, ratio, target in itertools.product(loss, C, gap):
        classes = kind.endswith("hinge")
        for name, (X, _) in loaded(
            ["tiny"] if tiny else data, lambda name, c=classes: by_rows(name, unit, two, c)
        ):
            n, p = X.shape
            problem = Machines(name, ratio, kind, intercept, unit, two, epsilon, target)
            entries = [Entry(each, {"tol": None}, target, LOOSEST) for each in able(problem, names)]
            found = Race(problem, limit=limit).run(entries, repeats=repeats, cold=cold)
            size = X.nnz if sp.issparse(X) else X.size
            title = f"{name}: {n:,} × {p:,}, {size:,} entries, {kind}, C={ratio:g}, {target:g}"
            show_race(title + ("" if intercept else ", no intercept"), found, COLUMNS)
            rows += found
    if rows and not tiny:
        keep("svm", rows)
    return rows

"""``python -m bench.compare linear``: paths and cross-validation beside other packages."""

import itertools
from typing import Annotated, Any

import scipy.sparse as sp
from typer import Option

from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.lasso.data import unit_dataset
from bench.linear.problem import CrossValidation, Grid, Path

#: How far a held-out error may be off, relative to it.
ERROR = 1e-3
COLUMNS = {
    "path": [("tol", "{tol:.1e}"), ("worst gap", "{value:.1e}{missed}"),
             ("nonzeros", "{nonzeros:,}")],
    "cv": [("tol", "{tol:.1e}"), ("errors off", "{value:.1e}{missed}")],
}  # fmt: skip


def main(
    kind: Annotated[str, Option(help="path or cv")] = "path",
    data: list[str] = ("golub", "w8a", "BASEHOCK"),
    points: Annotated[int, Option(help="penalties of the grid")] = 100,
    eps: Annotated[float, Option(help="smallest penalty divided by the largest")] = 1e-2,
    l1_ratio: Annotated[list[float], Option(help="share of the L1 penalty")] = (1.0,),
    folds: Annotated[int, Option(help="folds of cross-validation")] = 5,
    gap: Annotated[float, Option(help="relative duality gap of every model of a path")] = 1e-6,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 60.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to a judged gap of all models of a path, or to the errors of cross-validation.

    Each solver's own tolerance is first tightened, untimed, until the judge is content: a path has
    no larger gap than asked for, and errors on held-out folds are as they are at a tolerance of
    1e-9, to a thousandth. Peers may use two threads for folds.
    """
    kinds: dict[str, Any] = {"path": Path, "cv": CrossValidation}
    if kind not in kinds:
        raise SystemExit(f"--kind {kind}: give path or cv")
    names = [f"strads-{each}" for each in workers] + Grid.present(peers)
    more = {"folds": folds} if kind == "cv" else {}
    rows: list[dict[str, Any]] = []
    for (name, (X, _)), ratio in itertools.product(
        loaded(["tiny"] if tiny else data, unit_dataset), l1_ratio
    ):
        problem = kinds[kind](name, eps, points, ratio, **more)
        target = gap if kind == "path" else ERROR
        entries = [Entry(each, {"tol": None}, target) for each in names]
        found = Race(problem, limit=limit).run(entries, repeats=repeats, cold=cold)
        n, p = X.shape
        size = X.nnz if sp.issparse(X) else X.size
        title = f"{name}: {n:,} × {p:,}, {size:,} entries, {points} penalties to α_max·{eps:g}"
        title += f", l1_ratio {ratio:g}" + (f", {folds} folds" if kind == "cv" else "")
        show_race(title, found, COLUMNS[kind], "warm ÷ first")
        rows += found
    if rows and not tiny:
        keep(f"linear-{kind}", rows)
    return rows

"""Time to an externally judged duality gap: strads and its peers on the Lasso."""

import itertools
from typing import Annotated, Any

import scipy.sparse as sp
from typer import Option

from bench.harness.command import command, loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.lasso.data import dataset
from bench.lasso.problem import EXACT, Lasso

COLUMNS = [("tol", "{tol:.1e}"), ("judged gap", "{value:.1e}{missed}"),
           ("nonzeros", "{nonzeros:,}"), ("off", "{off:.1e}"),
           ("overhead", "{overhead:.0%}")]  # fmt: skip


def main(
    data: list[str] = ("imdb",),
    alphas: Annotated[list[float], Option(help="divisors of the least alpha without weights")] = (
        10.0, 100.0,
    ),
    intercept: Annotated[list[str], Option(help="yes, no, or both")] = ("yes",),
    exact: Annotated[bool, Option(help=f"compare weights with scikit-learn's at {EXACT}")] = False,
    unit: Annotated[bool, Option(help="scale columns to one length")] = False,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 900.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    gaps: Annotated[list[float], Option(help="relative duality gaps to reach")] = (1e-6,),
    no_cold: Annotated[bool, Option(help="leave out fresh processes")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to an externally judged duality gap: strads and its peers on the Lasso.

    An α of 100 means a hundredth of the smallest α with an empty solution. Each solver's own
    tolerance is first tightened, untimed, until the judge finds a gap that is small enough. Off is
    the largest difference from scikit-learn's weights, relative to the largest weight. Overhead is
    the share of the fit in which workers wait for each other or for the scheduler.
    """
    names = [f"strads-{each}" for each in workers] + Lasso.present(peers)
    rows: list[dict[str, Any]] = []
    for name, (X, _) in loaded(["tiny"] if tiny else data, dataset):
        for with_intercept, divisor, gap in itertools.product(intercept, alphas, gaps):
            centred = {"yes": True, "no": False}[with_intercept]
            problem = Lasso(name, divisor, centred, exact, unit)
            entries = [Entry(each, {"tol": None}, gap) for each in names]
            found = Race(problem, limit=limit).run(entries, repeats=repeats, cold=not no_cold)
            found = [row | {"overhead": row["idle"] / row["seconds"]} for row in found]
            n, p = X.shape
            size = X.nnz if sp.issparse(X) else X.size
            title = f"{name}: {n:,} × {p:,}, {size:,} entries, α = α_max/{divisor:g}"
            title += ("" if problem.intercept else ", no intercept") + f", gap {gap:g}"
            show_race(title, found, COLUMNS, "warm ÷ first")
            rows += found
    if rows and not tiny:
        keep("lasso", rows)
    return rows


if __name__ == "__main__":
    command(main)

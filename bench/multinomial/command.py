"""``python -m bench.compare multinomial``: sparse models of several classes beside other packages.

A peer's tolerance is not a gap: saga's is the relative change of weights in an epoch. The gap
is larger than that wherever it was looked at, so peers begin with a tolerance above the target.
"""

import itertools
from typing import Annotated, Any

import scipy.sparse as sp
from typer import Option

from bench.harness.command import loaded
from bench.harness.race import Entry, Race, show_race
from bench.harness.tables import keep
from bench.logistic.command import COLUMNS
from bench.multinomial.problem import Multinomial, labelled

#: The tolerance that peers begin with, relative to the gap.
LOOSER = 10.0


def main(
    data: list[str] = ("20news-bow", "news20"),
    divisor: Annotated[list[float], Option(help="α is α_max divided by this")] = (10.0,),
    gap: Annotated[list[float], Option(help="relative duality gap, judged")] = (1e-4,),
    intercept: Annotated[bool, Option(help="whether models have intercepts")] = True,
    unit: Annotated[bool, Option(help="rows of sparse data have length one")] = True,
    workers: Annotated[list[int], Option(help="0: the number that strads chooses")] = (1, 2),
    peers: list[str] = (),
    limit: Annotated[float, Option(help="seconds after which no solver is tightened")] = 60.0,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    cold: Annotated[bool, Option(help="time fresh processes as well")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time to a judged gap of multinomial logistic regression with an L1 penalty.

    Each solver's own tolerance is first tightened, untimed, until the judge is content.
    """
    ours = [f"strads-{each}" for each in workers]
    names = ours + Multinomial.present(peers)
    rows: list[dict[str, Any]] = []
    for name, (X, y) in loaded(["tiny"] if tiny else data, lambda name: labelled(name, unit)):
        n, p = X.shape
        size = X.nnz if sp.issparse(X) else X.size
        for ratio, target in itertools.product(divisor, gap):
            problem = Multinomial(name, ratio, intercept, unit)
            entries = [
                Entry(each, {"tol": None}, target, None if each in ours else LOOSER * target)
                for each in names
            ]
            found = Race(problem, limit=limit).run(entries, repeats=repeats, cold=cold)
            title = (f"{name}: {n:,} × {p:,}, {size:,} entries, {y.max() + 1} classes, "
                     f"α_max/{ratio:g}, gap {target:g}")  # fmt: skip
            show_race(title + ("" if intercept else ", no intercept"), found, COLUMNS)
            rows += found
    if rows and not tiny:
        keep("multinomial", rows)
    return rows

"""Time to a target on explicit or implicit ratings, ours and peers'.

Targets of explicit ratings: `libmf` is LIBMF's RMSE after 15 iterations at λ = 0.05, plus half a
percent. `cmfrec` is the best RMSE over the grid of cmfrec by conjugate gradients, with biases or
without. Peers try each λ that took them there on the grid, and the quickest counts; ours is 0.05.
The target of implicit ratings is implicit's objective after 15 sweeps at the same λ.
"""

import itertools
from typing import Annotated, Any, NamedTuple

import pandas as pd
from typer import Argument, Option

from bench.harness import tables
from bench.harness.command import loaded
from bench.harness.problem import Setting
from bench.harness.race import Entry, Race, show_race
from bench.ratings.data import ratings
from bench.ratings.problem import Factorisation
from bench.ratings.solvers.strads import defaults

Rows = list[dict[str, Any]]
#: Iterations of the solver that sets a target.
SWEEPS = 15
#: Solvers whose best point of the grid is a target, and the name of that target.
BEST, OF_GRID = ("cmfrec", "cmfrec-biased"), "cmfrec"
#: The grid was fixed before our own defaults were chosen.
GRID = [*itertools.product((0.02, 0.05, 0.1), (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60))]
#: Fits of LIBMF differ from one to the next: one that misses a target by this factor or less may
#: reach it another time.
NEAR = 1.001
FIELDS = ["data", "rank", "solver", "version", "regularization", "iterations", "seconds", "value"]


class Comparison(NamedTuple):
    """One kind of ratings: its defaults, its targets, and what a race of it prints."""

    kind: str
    data: tuple[str, ...]
    ranks: tuple[int, ...]
    peers: tuple[str, ...]
    regularization: float
    targets: dict[str, float]  # name → the factor above the value of its solver that will do
    title: str
    columns: list[tuple[str, str]]


COMPARISONS = {
    # Exact solutions of cmfrec cost more than they gain in held-out error. Two fits of cmfrec or of
    # implicit on two threads differ in the last digits.
    "mf": Comparison(
        "explicit", ("ml-1m", "anime"), (16, 40, 128), ("libmf", "cmfrec", "cmfrec-biased"), 0.05,
        {"libmf": 1.005, OF_GRID: 1.0 + 1e-5}, "time to RMSE {{target:.4f}} ({name})",
        [("λ", "{regularization:g}"), ("iterations", "{iterations}"),
         ("RMSE", "{value:.4f}{missed}")],
    ),
    "implicit": Comparison(
        "implicit", ("ml-1m",), (64, 128), ("implicit", "cmfrec", "cmfrec-cholesky"), 0.01,
        {"implicit": 1.0 + 1e-6}, "time to objective {{target:,.1f}}",
        [("sweeps", "{iterations}"), ("value ÷ target", "{share:.5f}{missed}"),
         ("NDCG@10", "{ndcg:.4f}")],
    ),
}  # fmt: skip


def main(
    name: Annotated[str, Argument(metavar="mf|implicit")],
    data: Annotated[list[str] | None, Option(help="ml-1m, anime, netflix:N")] = None,
    ranks: list[int] | None = None,
    workers: list[int] = (1, 2),
    peers: list[str] | None = None,
    most: Annotated[int, Option(help="iterations at which to give up")] = 60,
    grid: Annotated[bool, Option(help="what each peer can reach")] = False,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    no_cold: Annotated[bool, Option(help="leave out fresh processes")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> Rows:
    """Time to a target on explicit or implicit ratings, ours and peers'."""
    comparison, rows = COMPARISONS[name], []
    ours = [f"strads-{each}" for each in workers]
    others = Factorisation.present(comparison.peers if peers is None else peers)
    for each, _ in loaded(["tiny"] if tiny else data or comparison.data, ratings):
        problem = Factorisation(comparison.kind, each)
        for rank in ranks or comparison.ranks:
            found: Rows = []
            if grid:
                usual = [{"rank": rank} | defaults(comparison.kind)]
                for solver in ours + others:
                    found += points(problem, solver, usual if solver in ours else of(rank, most))
                show_best(found)
            else:
                race, known = Race(problem, most), pd.DataFrame(columns=FIELDS)
                if OF_GRID in comparison.targets:
                    known = kept(problem, rank, {*others, *BEST}, most)
                for target in problem.present(comparison.targets):
                    entries = starters(race, comparison, target, rank, known, ours, others)
                    timed = race.run(entries, repeats=repeats, cold=not no_cold)
                    timed = [row | {"share": row["value"] / row["target"]} for row in timed]
                    title = "{{data}}, rank {{rank}}: " + comparison.title
                    show_race(title.format(name=target), timed, comparison.columns)
                    found += timed
            if found and not tiny:
                tables.keep(f"{name}-grid" if grid else name, found)
            rows += found
    return rows


def starters(
    race: Race, comparison: Comparison, target: str, rank: int, known: pd.DataFrame,
    ours: list[str], peers: list[str],
) -> list[Entry]:  # fmt: skip
    """All solvers on their way to a target, a peer at every λ that took it there on the grid."""
    usual = {"rank": rank, "regularization": comparison.regularization}
    if target == OF_GRID:
        value = known[known["solver"].isin(BEST)]["value"].min()
    else:
        value = race.value(target, usual | {"iterations": min(SWEEPS, race.most)})
    wanted, entries = comparison.targets[target] * value, []
    for name in ours + peers:
        own, tried = known[known["solver"] == name], [comparison.regularization]
        if name in peers and len(own):
            near = own[own["value"] <= NEAR * wanted]
            tried = sorted({*(near if len(near) else best(own))["regularization"]})
        entries += [Entry(name, usual | {"regularization": each, "iterations": None}, wanted)
                    for each in tried]  # fmt: skip
    return entries


def of(rank: int, most: int) -> list[Setting]:
    """The grid of one rank, up to so many iterations."""
    return [{"rank": rank, "regularization": penalty, "iterations": count}
            for penalty, count in GRID if count <= most]  # fmt: skip


def points(problem: Factorisation, name: str, chosen: list[Setting]) -> Rows:
    """One solver at these settings."""
    problem.fit(name, chosen[0] | {"iterations": 1})  # compiles, imports
    return [problem.heading(name, each) | problem.measured(name, each) for each in chosen]


def kept(problem: Factorisation, rank: int, peers: set[str], most: int) -> pd.DataFrame:
    """Points of all grids of this set and rank; those that are not kept are measured."""
    files = [pd.read_csv(path).rename(columns={"rmse": "value"})
             for path in sorted(tables.RESULTS.glob("mf-grid-*.csv"))]  # fmt: skip
    known = pd.concat([pd.DataFrame(columns=FIELDS), *files])[FIELDS]
    known = known[(known["data"] == problem.data) & (known["rank"] == rank)]
    for name in problem.present(sorted(peers - {*known["solver"]})):
        found = points(problem, name, of(rank, most))
        show_best(found)
        if problem.data != "tiny":
            tables.keep("mf-grid", found)
        known = pd.concat([known, pd.DataFrame(found)])
    return known


def best(known: pd.DataFrame) -> pd.DataFrame:
    """Every solver's point of least RMSE, with the fewest iterations."""
    return known.sort_values(["value", "iterations"]).drop_duplicates("solver").sort_index()


def show_best(found: Rows) -> None:
    """Print every solver's best point."""
    tables.Table("best held-out RMSE, {data}, rank {rank}", [
        ("solver", "{solver} {version}"), ("RMSE", "{value:.4f}"), ("λ", "{regularization:g}"),
        ("iterations", "{iterations}"), ("seconds", "{seconds:.3f}"),
    ], best(pd.DataFrame(found, columns=FIELDS))).show()  # fmt: skip

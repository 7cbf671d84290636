"""Time to a target on explicit or implicit ratings, ours and peers'.

    python -m bench.compare mf --grid        what each peer can reach, over λ and iterations
    python -m bench.compare mf --curves      RMSE over time at λ = 0.05
    python -m bench.compare mf               time to a held-out RMSE
    python -m bench.compare implicit         time to an objective

Targets of explicit ratings: `libmf` is LIBMF's RMSE after 15 iterations at λ = 0.05, plus half a
percent. `cmfrec` is the best RMSE over the grid of cmfrec by conjugate gradients, with biases or
without. Peers try each λ that took them there on the grid, and the quickest counts; ours is 0.05.
The target of implicit ratings is implicit's objective after 15 sweeps at the same λ.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, NamedTuple

import pandas as pd
from typer import Argument, Option

from bench.harness import tables
from bench.harness.command import loaded
from bench.harness.problem import Setting
from bench.harness.race import Entry, Race, show_race
from bench.ratings.problem import Factorisation, remembered
from bench.ratings.solvers.strads import defaults

Rows = list[dict[str, Any]]
#: Iterations of the solver that sets a target.
SWEEPS = 15
#: Solvers whose best point of the grid is a target, and the name of that target.
BEST, OF_GRID = ("cmfrec", "cmfrec-biased"), "cmfrec"
#: The grid was fixed before our own defaults were chosen.
REGULARIZATIONS = (0.02, 0.05, 0.1)
ITERATIONS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60)
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
        {"libmf": 1.005, OF_GRID: 1.0 + 1e-5},
        "{{data}}, rank {{rank}}: time to RMSE {{target:.4f}} ({target})",
        [("λ", "{regularization:g}"), ("iterations", "{iterations}"),
         ("RMSE", "{value:.4f}{missed}")],
    ),
    "implicit": Comparison(
        "implicit", ("ml-1m",), (64, 128), ("implicit", "cmfrec", "cmfrec-cholesky"), 0.01,
        {"implicit": 1.0 + 1e-6}, "{{data}}, rank {{rank}}: time to objective {{target:,.1f}}",
        [("sweeps", "{iterations}"), ("value ÷ target", "{share:.5f}{missed}"),
         ("NDCG@10", "{ndcg:.4f}")],
    ),
}  # fmt: skip


def main(
    name: Annotated[str, Argument(metavar="mf|implicit")],
    data: Annotated[list[str] | None, Option(help="ml-1m, anime, netflix[:N]")] = None,
    ranks: list[int] | None = None,
    workers: list[int] = (1, 2),
    peers: list[str] | None = None,
    most: Annotated[int, Option(help="iterations at which to give up")] = 60,
    grid: Annotated[bool, Option(help="what each peer can reach")] = False,
    curves: Annotated[bool, Option(help="RMSE over time at λ = 0.05")] = False,
    repeats: Annotated[int, Option(help="timed fits of every solver")] = 5,
    no_cold: Annotated[bool, Option(help="leave out fresh processes")] = False,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> Rows:
    """Time to a target on explicit or implicit ratings, ours and peers'."""
    comparison, rows = COMPARISONS[name], []
    ours = [f"strads-{each}" for each in workers]
    others = Factorisation.present(comparison.peers if peers is None else peers)
    for each, _ in loaded(["tiny"] if tiny else data or comparison.data, remembered):
        problem = Factorisation(comparison.kind, each)
        for rank in ranks or comparison.ranks:
            if grid:
                usual = {"rank": rank} | defaults(comparison.kind)
                found = [point for solver in ours for point in points(problem, solver, [usual])]
                found += [point for solver in others
                          for point in points(problem, solver, settings(rank, most))]  # fmt: skip
                show_best(found)
            elif curves:
                usual = settings(rank, most, [comparison.regularization])
                found = [point for solver in ours + others
                         for point in points(problem, solver, usual, repeats)]  # fmt: skip
                show_best(found)
            else:
                race = Race(problem, most)
                known = pd.DataFrame(columns=FIELDS)
                if OF_GRID in comparison.targets:
                    known = kept(problem, rank, {*others, *BEST}, most)
                found = []
                for target in comparison.targets:
                    found += timed(race, comparison, target, rank, known, ours, others,
                                   repeats=repeats, cold=not no_cold)  # fmt: skip
            if found and not tiny:
                tables.keep(name + "-grid" * grid + "-curves" * curves, found)
            rows += found
    return rows


def timed(
    race: Race, comparison: Comparison, target: str, rank: int, known: pd.DataFrame,
    ours: list[str], peers: list[str], **options: Any,
) -> Rows:  # fmt: skip
    """All solvers to a target, if its solver is installed."""
    if not race.problem.present([target]):
        return []
    wanted, usual = comparison.targets[target], {"rank": rank}
    if target == OF_GRID:
        wanted *= known[known["solver"].isin(BEST)]["value"].min()
    else:
        wanted *= race.value(target, usual | {"regularization": comparison.regularization,
                                              "iterations": min(SWEEPS, race.most)})  # fmt: skip
    entries = []
    for name in ours + peers:
        tried = [comparison.regularization]
        if name in peers and len(known):
            tried = penalties(known[known["solver"] == name], wanted)
        for regularization in tried:
            setting = usual | {"regularization": regularization, "iterations": None}
            entries.append(Entry(name, setting, wanted))
    rows = [row | {"share": row["value"] / wanted} for row in race.run(entries, **options)]
    show_race(comparison.title.format(target=target), rows, comparison.columns)
    return rows


def settings(rank: int, most: int, penalties: Any = REGULARIZATIONS) -> list[Setting]:
    """The grid of one rank, up to so many iterations."""
    return [{"rank": rank, "regularization": penalty, "iterations": count}
            for penalty, count in itertools.product(penalties, ITERATIONS)
            if count <= most]  # fmt: skip


def points(problem: Factorisation, name: str, chosen: list[Setting], repeats: int = 1) -> Rows:
    """One solver at these settings; seconds are those of the fastest repeat."""
    problem.fit(name, chosen[0] | {"iterations": 1})  # compiles, imports
    found = []
    for setting in chosen:
        fits = [problem.measured(name, setting) for _ in range(repeats)]
        found.append(problem.heading(name, setting) | fits[-1]
                     | {"seconds": min(fit["seconds"] for fit in fits)})  # fmt: skip
    return found


def kept(problem: Factorisation, rank: int, peers: set[str], most: int) -> pd.DataFrame:
    """Points of all grids of this set and rank; those that are not kept are measured."""
    files = [pd.read_csv(path) for path in sorted(tables.RESULTS.glob("mf-grid-*.csv"))]
    files = [file.rename(columns={"rmse": "value"}) for file in files]
    known = pd.concat([pd.DataFrame(columns=FIELDS), *files])[FIELDS]
    known = known[(known["data"] == problem.data) & (known["rank"] == rank)]
    if problem.data == "tiny":
        known = known[:0]
    for name in problem.present(sorted(peers - {*known["solver"]})):
        found = points(problem, name, settings(rank, most))
        show_best(found)
        if problem.data != "tiny":
            tables.keep("mf-grid", found)
        known = pd.concat([known, pd.DataFrame(found)])
    return known


def best(known: pd.DataFrame) -> pd.DataFrame:
    """Every solver's point of least RMSE, with the fewest iterations."""
    return known.sort_values(["value", "iterations"]).drop_duplicates("solver").sort_index()


def penalties(own: pd.DataFrame, wanted: float) -> list[float]:
    """Every λ that took a solver to `wanted` or near; if none did, the λ of its best point."""
    near = own[own["value"] <= NEAR * wanted]
    return sorted({*(best(own) if near.empty else near)["regularization"]})


def show_best(found: Rows) -> None:
    """Print every solver's best point."""
    tables.Table("best held-out RMSE, {data}, rank {rank}", [
        ("solver", "{solver} {version}"), ("RMSE", "{value:.4f}"), ("λ", "{regularization:g}"),
        ("iterations", "{iterations}"), ("seconds", "{seconds:.3f}"),
    ], best(pd.DataFrame(found, columns=FIELDS))).show()  # fmt: skip

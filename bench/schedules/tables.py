"""Tables of what `bench.schedules` measures."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.harness.tables import DASH, Table, Tables
from bench.schedules import automatic, learned
from bench.schedules.arms import ARMS, CHECKED
from bench.schedules.beside import CROWDED
from bench.schedules.settings import USUAL_RHO
from strads.algorithms.linear.regression.coordinate import DEFAULT as PLAIN
from strads.algorithms.linear.solver.gram_form.rounds import DEFAULT as INNER

#: Ids of a worker's micro-round in tables that show one.
IDS: Final = 8
#: What a solver of coordinates uses unless told otherwise.
DEFAULTS: Final = {"plain": PLAIN, "shipped": INNER}
#: A combination that does not reach the gap within its cap counts as this many times the best.
MISSED: Final = 100.0
#: Verdicts on an arm's updates beside random's in the same place.
WORDS: Final = (
    "at most half", "fewer", "no fewer", "random never arrives", "never arrives", "neither arrives",
    "idle",
)  # fmt: skip
PLACE: Final = ["data", "divisor", "workers", "ids"]
COARSE, FINE = ("1e-3", "updates_3"), ("1e-6", "updates_6")


def spread(values: pd.Series, form: str = ".3g") -> str:
    """Median and range of what arrived; a dash if most did not."""
    far = values.fillna(np.inf)
    middle = far.median() if len(far) else np.inf
    if not np.isfinite(middle):
        return DASH
    if far.nunique() == 1:
        return f"{middle:{form}}"
    top = f"{far.max():{form}}" if np.isfinite(far.max()) else "∞"
    return f"{middle:{form}} ({far.min():{form}} to {top})"


def pivot(
    title: str, rows: pd.DataFrame, place: str, by: str, over: Sequence[Any],
    cell: Callable[[pd.DataFrame], str],
) -> Table:  # fmt: skip
    """A line for every place, and a cell for every value of `by`, made of the rows of both.

    `place` is a format of the columns that make a place, such as ``"{data}, {arm}"``.
    """
    names = [field.partition("}")[0].partition(":")[0] for field in place.split("{")[1:]]
    lines = []
    for where, group in rows.groupby(names):
        line = {"place": place.format(**dict(zip(names, where, strict=True)))}
        lines.append(line | {f"at{i}": cell(group[group[by] == value])
                             for i, value in enumerate(over)})  # fmt: skip
    columns = [("setting", "{place}"), *((str(each), f"{{at{i}}}") for i, each in enumerate(over))]
    return Table(title, columns, lines)


def verdicts(rows: pd.DataFrame, arm: str, column: str) -> pd.DataFrame:
    """Medians over seeds of an arm and of random, and a verdict, for every place and ρ.

    A median is NaN unless most seeds reached the gap.
    """
    far = rows.assign(far=rows[column].fillna(np.inf), idle=rows["status"] == "idle")
    middle = far.groupby([*PLACE, "arm", "rho"]).agg(ours=("far", "median"), idle=("idle", "any"))
    middle = middle.replace(np.inf, np.nan).reset_index()
    random = middle[(middle["arm"] == "random") & (middle["rho"] == 1.0)]
    random = random.rename(columns={"ours": "random"})[[*PLACE, "random"]]
    found = middle[middle["arm"] == arm].merge(random, on=PLACE)
    ours, other = found["ours"], found["random"]
    words = np.select(
        [ours.isna() & found["idle"], ours.isna() & other.isna(), ours.isna(), other.isna(),
         ours <= 0.5 * other, ours < other],
        ["idle", "neither arrives", "never arrives", "random never arrives", "at most half",
         "fewer"], "no fewer",
    )  # fmt: skip
    return found.assign(verdict=words)


def counted(title: str, head: str, named: Sequence[tuple[str, pd.DataFrame]]) -> Table:
    """Verdicts counted, with the smallest share of random's updates and where it was."""
    lines = []
    for name, found in named:
        share = (found["ours"] / found["random"]).dropna()
        best = DASH
        if len(share):
            place = "{share:.2f} ({data}, α_max/{divisor:g}, {workers} × {ids})"
            best = place.format(share=share.min(), **found.loc[share.idxmin()])
        counts = found["verdict"].value_counts()
        lines.append({"name": name, "best": best} | {word: counts.get(word, 0) for word in WORDS})
    columns = [(word, f"{{{word}}}") for word in WORDS]
    return Table(title, [(head, "{name}"), *columns, ("fewest, of random's", "{best}")], lines)


def of_arms(rows: pd.DataFrame) -> Table:
    """Every arm beside random: the count of places that it wins and loses."""
    return counted("Median updates beside random's, counted over settings", "arm, gap", [
        (f"{arm}, {gap}", verdicts(rows, arm, column))
        for gap, column in (COARSE, FINE)
        for arm in ("round-robin", "priority", "dependency", "both")
    ])  # fmt: skip


def places(rows: pd.DataFrame) -> Table:
    """Priority with dependency beside random, by data, penalty and ρ, to a gap of 1e-3."""
    groups = verdicts(rows, "both", "updates_3").groupby(["data", "divisor", "rho"])
    return counted("Priority + dependency beside random, to 1e-3", "setting", [
        ("{}, α_max/{:g}, ρ = {:g}".format(*place), group) for place, group in groups
    ])  # fmt: skip


def divergences(rows: pd.DataFrame) -> Table:
    """How many runs diverged, the fewest ids together at which one did, and after which epoch."""
    gone = rows["status"] == "diverged"
    by = rows.assign(
        gone=gone, together=(rows["workers"] * rows["ids"]).where(gone),
        onset=(rows["diverged_at"] / rows["features"]).where(gone),
        name=rows["data"] + ", " + rows["arm"],
    ).groupby("name")  # fmt: skip
    found = by.agg(diverged=("gone", "sum"), of=("gone", "size"), fewest=("together", "min"),
                   onset=("onset", "median")).reset_index()  # fmt: skip
    return Table("Runs that diverged", [
        ("data, arm", "{name}"), ("diverged", "{diverged}"), ("of", "{of}"),
        ("fewest ids together", "{fewest:.0f}"), ("median epoch at which", "{onset:.2g}"),
    ], found)  # fmt: skip


def epochs_to(column: str) -> Callable[[pd.DataFrame], str]:
    """A cell of epochs to a gap."""

    def cell(mine: pd.DataFrame) -> str:
        if not len(mine):
            return ""
        text = spread(mine[column] / mine["features"])
        gone = text == DASH and (mine["status"] == "diverged").mean() > 0.5
        return "diverged" if gone else text

    return cell


def epochs(rows: pd.DataFrame, gap: tuple[str, str]) -> Table:
    """Epochs to a gap, by workers: median and range over seeds."""
    ids = IDS if (rows["ids"] == IDS).any() else rows["ids"].max()
    usual = rows[(rows["ids"] == ids) & (~rows["arm"].isin(CHECKED) | (rows["rho"] == USUAL_RHO))]
    place = f"{{data}}, α_max/{{divisor:g}}, {{workers}} × {ids}"
    title = f"Epochs to {gap[0]}, ρ = {USUAL_RHO}"
    return pivot(title, usual, place, "arm", ARMS, epochs_to(gap[1]))


def depths(rows: pd.DataFrame) -> Table:
    """Epochs to 1e-6 by depth."""
    return by_depth("Epochs to 1e-6 by depth", rows, rows["updates_6"] / rows["features"])


def pipelined_seconds(rows: pd.DataFrame) -> Table:
    """Seconds to 1e-6 by depth."""
    piped = rows[rows["depth"] >= 0]
    return by_depth("Seconds to 1e-6 by depth, worker processes", piped, piped["seconds_6"])


def by_depth(title: str, rows: pd.DataFrame, values: pd.Series) -> Table:
    """A cell for every depth."""
    return pivot(title, rows.assign(value=values), "{data}, {arm}, {workers} × {ids}", "depth",
                 sorted(set(rows["depth"])), lambda mine: spread(mine["value"]))  # fmt: skip


def seconds(rows: pd.DataFrame) -> Table:
    """Seconds to 1e-6 by arm, and the share that was waiting or scheduling."""

    def cell(mine: pd.DataFrame) -> str:
        lost = (mine["waiting"] + mine["starved"]).median()
        return f"{spread(mine['seconds_6'])}, {lost:.0%}" if len(mine) else ""

    return pivot("Seconds to 1e-6, α_max/10 (share of the rounds spent waiting or scheduling)",
                 rows[rows["depth"] < 0], "{data}, {workers} × {ids}", "arm", ARMS,
                 cell)  # fmt: skip


def conventional(rows: pd.DataFrame) -> Table:
    """Solvers side by side: epochs, seconds, and bytes of every worker."""
    rows = rows.sort_values(["data", "divisor", "solver", "workers"]).assign(
        epochs_3=rows["updates_3"] / rows["features"], moved=rows["moved_6"] / 1e6,
        epochs_6=rows["updates_6"] / rows["features"], state=rows["state_bytes"] / 1e3,
        replicated=rows["replicated_bytes"] / 1e3,
    )  # fmt: skip
    return Table("Schedules and the conventional ways", [
        ("data, α, solver, workers", "{data}, α_max/{divisor:g}, {solver}, {workers}"),
        ("epochs to 1e-3", "{epochs_3:,.3g}"), ("1e-6", "{epochs_6:,.3g}"),
        ("s to 1e-3", "{seconds_3:,.3g}"), ("1e-6", "{seconds_6:,.3g}"),
        ("kB of state a worker", "{state:,.3g}"), ("of it replicated", "{replicated:,.3g}"),
        ("MB moved to 1e-6", "{moved:,.3g}"),
    ], rows)  # fmt: skip


def scores(rows: pd.DataFrame) -> pd.DataFrame:
    """By combination: seconds relative to the best of each place, averaged; places missed.

    The average is geometric.
    """
    place, combination = ["solver", "data", "divisor"], ["solver", "lease", "ids", "rho"]
    middle = rows.fillna({"seconds": np.inf}).groupby([*place, *combination[1:]])["seconds"]
    table = middle.median().reset_index()
    best = table.groupby(place)["seconds"].transform("min")
    # Places where no combination reaches the gap say nothing.
    table = table[np.isfinite(best)].assign(best=best)
    table["missed"] = ~np.isfinite(table["seconds"])
    relative = np.where(table["missed"], MISSED, table["seconds"] / table["best"])
    table["log"] = np.log(relative.astype(float))
    found = table.groupby(combination).agg(log=("log", "mean"), missed=("missed", "sum"))
    found = found.assign(times=np.exp(found["log"])).reset_index()
    return found.sort_values(["solver", "times"], ignore_index=True)


def defaults(rows: pd.DataFrame, solver: str) -> Table:
    """Combinations of lease, micro-round and ρ, the best first."""
    mine, usual = scores(rows).query("solver == @solver"), DEFAULTS[solver]
    shipped = (mine["lease"] == usual.lease) & (mine["ids"] == usual.per) & (
        mine["rho"] == usual.rho)  # fmt: skip
    return Table(f"{solver}: lease, ids of a micro-round, ρ", [
        ("lease, ids, ρ", "{lease}, {ids}, {rho:g}"),
        ("seconds ÷ best, geometric mean", "{times:.2f}"), ("places missed", "{missed}"),
        ("", "{mark}"),
    ], mine.assign(mark=shipped.map({True: "default", False: ""})))  # fmt: skip


def crowds(rows: pd.DataFrame) -> Table:
    """Updates of the shipped solver on more workers than cores."""
    names = ["{}, {}, {:g}".format(*each)
             for each in rows[["lease", "ids", "rho"]].itertuples(index=False)]  # fmt: skip
    return pivot("Thousands of updates to 1e-6, shipped solver, by lease, ids, ρ",
                 rows.assign(combination=names), "{data}, α_max/{divisor:g}, {workers} workers",
                 "combination", ["{}, {}, {:g}".format(*each) for each in CROWDED],
                 lambda mine: spread(mine["updates"] / 1e3, ",.0f"))  # fmt: skip


TABLES: Tables = {
    "verdicts": ([of_arms], ["schedules-updates"]),
    "places": ([places], ["schedules-updates"]),
    "epochs": ([lambda rows: epochs(rows, COARSE), lambda rows: epochs(rows, FINE)],
               ["schedules-updates"]),
    "divergences": ([divergences], ["schedules-updates"]),
    "depths": ([depths], ["schedules-pipelining"]),
    "pipelined-seconds": ([pipelined_seconds], ["schedules-seconds"]),
    "seconds": ([seconds], ["schedules-seconds"]),
    "conventional": ([conventional], ["schedules-conventional"]),
    "defaults": ([lambda rows: defaults(rows, "plain"), lambda rows: defaults(rows, "shipped")],
                 ["schedules-defaults"]),
    "crowds": ([crowds], ["schedules-crowds"]),
    "automatic": ([partial(automatic.table, what=what, digits=digits)
                   for what in ("updates", "seconds") for digits in (3, 6)],
                  ["schedules-automatic"]),
    "learned": ([partial(learned.table, what=what, digits=digits)
                 for what in ("updates", "rounds") for digits in (3, 6)],
                ["schedules-learned"]),
}  # fmt: skip

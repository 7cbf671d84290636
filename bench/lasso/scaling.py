"""Where the seconds of a Lasso go with one and two workers, and what that says of more.

The time of a phase on P workers is taken for

    a / P + b + launches · (c + d·P),    c + d·P: the cost of a launch,

with c and d as `bench.engine` measures them on two and on eight workers. The seconds that the phase
took with one worker (without launches, since the leader calls it) and with two give a, what the
workers share, and b, what they do not: rows that do not divide, memory that both wait for. What the
leader does between launches is not shared. On cores that are not there nothing of this is checked.
"""

import time
from typing import Annotated, Any

import numpy as np
from typer import Option

import strads
from bench.harness.command import command, loaded
from bench.harness.tables import Table
from bench.lasso.data import unit_dataset
from bench.lasso.judge import alpha_max

#: Seconds of a launch on two workers, and for each further one: from 127 µs on two, 334 on eight.
LAUNCH, MORE = 127e-6, 35e-6
#: Numbers of workers that are foretold.
WORKERS = (4, 8, 16, 32, 64)
PHASES = [("phase", "{phase}"), ("launches", "{launches:,}"), ("1 worker, s", "{one:.3f}"),
          ("2 workers", "{two:.3f}"), ("waiting", "{waiting:.0%}"), ("shared", "{shared:.0%}"),
          *((f"{count} workers", f"{{with{count}:.3f}}") for count in WORKERS)]  # fmt: skip


def main(
    data: list[str] = ("news20", "imdb"),
    alphas: Annotated[list[float], Option(help="divisors of the least alpha without weights")] = (
        100.0,
    ),
    repeats: Annotated[int, Option(help="fits, of which the fastest counts")] = 3,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Seconds of every phase with one and two workers, and the model's for 4 to 64.

    Waiting is the share of the workers' time with two. Phases below a hundredth of the fit are
    summed up as "others"; "leader" is the rest of the fit.
    """
    rows: list[dict[str, Any]] = []
    for name, (X, y) in loaded(["tiny"] if tiny else data, unit_dataset):
        for divisor in alphas:
            alpha = alpha_max(X, y) / divisor
            fits = [fastest(X, y, alpha, workers, repeats) for workers in (1, 2)]
            found = modelled(*fits)
            title = f"{name}, α_max/{divisor:g}: {fits[0][0]:.2f} s and {fits[1][0]:.2f} s"
            Table(title, PHASES, found).show()
            rows += found
    return rows


def fastest(X: Any, y: np.ndarray, alpha: float, workers: int, repeats: int) -> tuple[float, Any]:
    """Seconds of the fastest fit, and its statistics."""
    strads.Lasso(alpha, tol=1e-2, n_workers=workers).fit(X, y)
    fits = []
    for _ in range(repeats):
        since = time.perf_counter()
        model = strads.Lasso(alpha, n_workers=workers).fit(X, y)
        fits.append((time.perf_counter() - since, model.statistics_["phases"]))
    return min(fits, key=lambda fit: fit[0])


def modelled(one: tuple[float, Any], two: tuple[float, Any]) -> list[dict[str, Any]]:
    """Rows of all phases, of the leader, and of the sum."""
    names = sorted(two[1], key=lambda name: -two[1][name]["seconds"])
    rows = [row_of(name, one[1].get(name), two[1][name]) for name in names]
    small = [row for row in rows if row["two"] < 0.01 * two[0]]
    rows = [row for row in rows if row not in small]
    rows.append(summed("others", small))
    rest = [seconds - sum(p["seconds"] for p in phases.values()) for seconds, phases in (one, two)]
    leader = {"phase": "leader", "one": rest[0], "two": rest[1], "shared": 0.0}
    rows.append(leader | {f"with{count}": rest[1] for count in WORKERS})
    return [*rows, summed("sum", rows)]


def row_of(name: str, one: dict[str, Any] | None, two: dict[str, Any]) -> dict[str, Any]:
    """Row of one phase: its seconds, and those of the model."""
    alone = one["seconds"] if one else two["seconds"]
    scale = two["launches"] / one["launches"] if one else 1.0  # another fit has other launches
    work, launching = two["seconds"] - LAUNCH * two["launches"], two["launches"]
    shared = min(max(2.0 * (alone * scale - work), 0.0), alone * scale)
    left = max(work - shared / 2.0, 0.0)
    waiting = two["sync_seconds"] + two["starved_seconds"]
    foretold = {
        f"with{count}": shared / count + left + launching * (LAUNCH + MORE * (count - 2))
        for count in WORKERS
    }
    return {
        "phase": name, "launches": launching, "one": alone, "two": two["seconds"],
        "waiting": waiting / max(two["seconds"], 1e-12),
        "shared": shared / max(alone * scale, 1e-12),
    } | foretold  # fmt: skip


def summed(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Row of the sum of other rows."""
    keys = ["one", "two", *(f"with{count}" for count in WORKERS)]
    total = {key: sum(row[key] for row in rows) for key in keys}
    waited = sum(row.get("waiting", 0.0) * row["two"] for row in rows)
    launches = sum(row.get("launches", 0) for row in rows)
    waiting = waited / max(total["two"], 1e-12)
    return {"phase": name, "launches": launches, "waiting": waiting} | total


if __name__ == "__main__":
    command(main)

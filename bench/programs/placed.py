"""Similar ids on one worker: many may move between two exchanges of the workers.

Every worker keeps the whole residual. It moves its ids one after another, each of which sees those
before it, and hears of the other worker's moves after a micro-round. So ids of two workers
interfere, and ids of one worker do not. Ids are placed in the order in which they are numbered, at
random, or by similarity.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from typer import Option

from bench.harness.command import command, loaded
from bench.harness.tables import Table
from bench.harness.ways import Answer, in_turns, spread, varied
from bench.programs import heavy_problems, nnls
from bench.programs.own_residuals import OwnGroupResiduals, OwnResiduals
from examples.group_lasso import WIDTH, GroupLasso
from examples.own_program import NNLS
from strads import Partition, Priority, Program, run
from strads.engine import NotFiniteError

WORKERS, MOST = 2, 2_000  # epochs
PLACEMENTS = ("contiguous", "random", "similar")
COLUMNS = [
    ("problem", "{problem}"),
    ("who", "{who}"),
    ("epochs", "{epochs:.1f}"),
    ("micro-rounds", "{micro:,}"),
    ("ms (min – max)", "{median:.1f} ({least:.1f} – {most:.1f})"),
    ("÷ one worker", "{ratio:.2f}"),
    ("thereof placing, ms", "{placing:.1f}"),
    ("judged residual", "{judged:.1e}"),
]


class Problem(NamedTuple):
    """A program as it is in `examples/`, the same with own residuals, and what places its ids."""

    checked: type[Program]
    placed: type[Program]
    given: dict[str, Any]
    axes: dict[str, int]  # the axis of the ids, and axes that have so many entries for each id
    size: int
    tol: float
    together: int  # ids of a worker and micro-round
    place: Callable[[], Partition]
    judge: Callable[[np.ndarray], float]


class Found(NamedTuple):
    """Weights, epochs, the seconds that placing took, and micro-rounds."""

    w: np.ndarray
    epochs: float
    placing: float = 0.0
    micro: int = 0


def main(
    data: list[str] = ("BASEHOCK", "dorothea", "groups"),
    residual: Annotated[float, Option(help="relative to that at zero weights")] = 1e-3,
    together: Annotated[int, Option(help="ids of a worker in a micro-round")] = 512,
    repeats: int = 5,
    alone: Annotated[bool, Option(help="both workers in one process; its processor time")] = False,
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Epochs and seconds of two workers to a residual, for three placements; all take turns.

    The first rows are the example as it is, which checks ids that move together. The next one is
    the other program with one worker. Seconds include placing. With `--alone` one process works for
    both workers: two workers take half of its time if nothing but work takes time, whatever else
    runs on the machine.
    """
    rows: list[dict[str, Any]] = []
    for name, asked in loaded(["tiny", "groups"] if tiny else data,
                              lambda name: made(name, residual, together, tiny)):  # fmt: skip
        with threadpool_limits(1):
            rows += compared(name, asked, repeats, alone)
    Table("Placement", COLUMNS, rows).show()
    return rows


def compared(name: str, asked: Problem, repeats: int, alone: bool) -> list[dict[str, Any]]:
    """Rows of one problem."""
    clock = time.process_time if alone else time.perf_counter
    executor = "serial" if alone else "auto"
    answers, seconds = in_turns(ways(asked, executor), repeats, clock)
    first = np.median(seconds["checked, 1 worker"])
    return [
        {"problem": name, "who": who, "epochs": found.epochs, **spread(seconds[who], 1e-3),
         "ratio": np.median(seconds[who]) / first, "placing": found.placing * 1e3,
         "micro": found.micro, "judged": asked.judge(found.w)}
        for who, found in answers.items()
    ]  # fmt: skip


def ways(asked: Problem, executor: str = "auto") -> dict[str, Callable[[], Found]]:
    """Return the example on one and two workers, and the placements."""
    found: dict[str, Callable[[], Found]] = {
        f"checked, {n} worker{'s' * (n > 1)}": partial(solved, asked, None, n, executor)
        for n in (1, WORKERS)
    }
    found["unchecked, 1 worker"] = partial(solved, asked, "contiguous", 1, executor)
    for how in PLACEMENTS:
        found[f"{how}, {asked.together} together"] = partial(solved, asked, how, WORKERS, executor)
    return found


def solved(asked: Problem, how: str | None, workers: int, executor: str = "auto") -> Found:
    """Run a program to the residual; an answer that diverged has infinite epochs."""
    program, placing = varied(asked.checked, measure_every=4), 0.0
    cut: dict[str, np.ndarray] = {}
    if how is not None:
        schedule = Priority(next(iter(asked.axes)), lease=asked.together)
        program = varied(asked.placed, schedule=schedule, measure_every=4)
        clock = time.process_time if executor == "serial" else time.perf_counter
        since = clock()
        cut = placement(asked, how)
        placing = clock() - since
    try:
        result = run(program(**asked.given), workers=workers, executor=executor, partition=cut,
                     tol=asked.tol, epochs=MOST, seed=0)  # fmt: skip
    except NotFiniteError:
        return Found(np.full(asked.size, np.nan), np.inf, placing)
    counts = result.statistics["schedules"]["main"]
    reached = result.status == "converged"
    epochs = counts["dispatched"] / asked.size if reached else np.inf
    return Found(result.state["w"], epochs, placing, counts["micro_rounds"])


def placement(asked: Problem, how: str) -> dict[str, np.ndarray]:
    """Return the worker of every id, for all axes that go with the ids."""
    if how == "contiguous":
        return {}
    if how == "random":
        owners = np.random.default_rng(0).permutation(np.arange(asked.size) % WORKERS)
    else:
        cut = asked.place()
        owners = np.empty(asked.size, np.int64)
        owners[cut.order] = cut.holder(np.arange(asked.size))
    return {axis: np.repeat(owners, width) for axis, width in asked.axes.items()}


def made(name: str, residual: float, together: int, tiny: bool) -> Problem:
    """Return non-negative least squares on a data set, or the group Lasso."""
    if name == "groups":
        return groups(residual, together, tiny)
    return columns(nnls.problem(name, residual), together)


def columns(asked: nnls.Problem, together: int) -> Problem:
    """Return non-negative least squares whose columns are placed."""
    A, b, tol = asked
    return Problem(
        NNLS, OwnResiduals, {"A": A, "b": b}, {"cols": 1}, A.shape[1], tol, together,
        lambda: Partition.by_columns(A, WORKERS), lambda w: nnls.violation(A, b, w),
    )  # fmt: skip


def unchecked(how: str, together: int = 512) -> nnls.Way:
    """Return what `bench.programs.nnls` compares with its loops."""

    def solve(asked: nnls.Problem) -> Answer:
        found = solved(columns(asked, together), how, WORKERS)
        known = np.isfinite(found.epochs)
        return found.w, round(found.epochs * asked.A.shape[1]) if known else None

    return solve


def groups(residual: float, together: int, tiny: bool) -> Problem:
    """Return the group Lasso of `heavy_problems`; groups that are correlated are numbered apart."""
    asked = heavy_problems.groups(tiny, residual)
    X, size = asked.given["X"], asked.given["groups"]
    order = np.random.default_rng(1).permutation(size)
    columns = (order[:, None] * WIDTH + np.arange(WIDTH)).ravel()
    X = np.asfortranarray(X[:, columns])
    back = np.argsort(order)

    def couplings() -> np.ndarray:
        some = X[::20]  # enough to tell which groups are alike
        inner = (some.T @ some).reshape(size, WIDTH, size, WIDTH)
        return np.sqrt((inner**2).sum(axis=(1, 3)))

    return Problem(
        GroupLasso, OwnGroupResiduals, asked.given | {"X": X},
        {"groups": 1, "features": WIDTH}, size, asked.tol, min(together, 16),
        lambda: Partition.by_graph(couplings(), WORKERS),
        lambda w: asked.judge(w[back]) if np.isfinite(w).all() else np.nan,
    )  # fmt: skip


if __name__ == "__main__":
    command(main)

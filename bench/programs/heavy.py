"""Heavy ids: what a schedule is worth, in seconds, when an update costs more than to choose it."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import numba
import numpy as np
from threadpoolctl import threadpool_limits
from typer import Option

from bench.harness.command import command
from bench.harness.tables import Table
from bench.harness.ways import Answer, in_turns, scheduled, spread
from bench.programs.nnls import violation
from examples.group_lasso import WIDTH, GroupLasso
from examples.group_lasso import problem as group_problem
from examples.own_program import NNLS
from strads import Correlation, Priority, Program, Random, RoundRobin, Schedule

EPOCHS = 5_000
#: A worker has one id in a micro-round, under every schedule.
TOGETHER: dict[str, Any] = {"lease": 256, "micro": 256}
COLUMNS = [
    ("problem", "{problem}"),
    ("schedule", "{schedule}"),
    ("workers", "{workers}"),
    ("updates", "{updates:,}"),
    ("s (min – max)", "{median:.2f} ({least:.2f} – {most:.2f})"),
    ("÷ best static", "{static:.2f}"),
    ("÷ one worker", "{alone:.2f}"),
    ("judged residual", "{judged:.1e}"),
]


class Problem(NamedTuple):
    """A program to be run to a residual, the axis of its ids, and a loop that does the same."""

    program: type[Program]
    given: dict[str, Any]
    axis: str
    coupling: Any
    tol: float
    judge: Callable[[np.ndarray], float]
    loop: Callable[[], np.ndarray]


def main(
    problems: list[str] = ("chain", "blocks", "groups"),
    workers: Annotated[list[int], Option()] = (1, 2),
    residual: Annotated[float, Option(help="relative to that at zero weights")] = 1e-6,
    repeats: int = 5,
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Seconds to a residual under each schedule, and of a plain cyclic loop; all take turns.

    The best static schedule is the faster of round-robin and random with as many workers.
    """
    rows: list[dict[str, Any]] = []
    for name in problems:
        asked = MADE[name](tiny, residual)
        with threadpool_limits(1):  # else a long product of the loop has a thread on each core
            rows += compared(name, asked, workers, repeats)
    Table("Heavy ids", COLUMNS, rows).show()
    return rows


def compared(name: str, asked: Problem, workers: list[int], repeats: int) -> list[dict[str, Any]]:
    """Rows of one problem."""
    ways: dict[tuple[str, int], Callable[[], Answer]] = {
        ("cyclic loop", 1): lambda: (asked.loop(), None)
    }
    for schedule, made in schedules(asked).items():
        for count in workers:
            ways[schedule, count] = partial(
                scheduled, asked.program, made, count, tol=asked.tol, epochs=EPOCHS, **asked.given
            )
    answers, seconds = in_turns(ways, repeats)
    median = {key: float(np.median(times)) for key, times in seconds.items()}
    return [
        {"problem": name, "schedule": schedule, "workers": count, "updates": answers[key][1],
         **spread(seconds[key]),
         "static": median[key] / min(median.get((s, count), np.inf) for s in STATIC),
         "alone": median[key] / median.get((schedule, 1), np.nan),
         "judged": asked.judge(answers[key][0])}
        for key in ways for schedule, count in [key]
    ]  # fmt: skip


STATIC = ("round-robin", "random")


def schedules(asked: Problem) -> dict[str, Schedule]:
    """Return the schedules to compare."""
    axis = asked.axis
    made: dict[str, Schedule] = {
        "round-robin": RoundRobin(axis, **TOGETHER),
        "random": Random(axis, **TOGETHER),
        "priority": Priority(axis, **TOGETHER),
    }
    if asked.coupling is not None:
        made["priority + dependency"] = Priority(axis, coupling=asked.coupling, **TOGETHER)
    return made


def columns(kind: str, tiny: bool, residual: float) -> Problem:
    """Non-negative least squares on dense columns of norm 1, one in twenty with a weight."""
    rows, cols = (60, 40) if tiny else (20_000, 1_000)
    rng = np.random.default_rng(0)
    A = rng.normal(size=(rows, cols))
    if kind == "chain":  # each column is correlated with its neighbours
        for j in range(1, cols):
            A[:, j] = 0.95 * A[:, j - 1] + np.sqrt(1.0 - 0.95**2) * A[:, j]
    else:  # twenty columns share a factor
        A = 0.5 * A + np.sqrt(0.75) * np.repeat(rng.normal(size=(rows, cols // 20)), 20, axis=1)
    A = np.asfortranarray(A / np.linalg.norm(A, axis=0))
    w = np.where(rng.random(cols) < 0.05, 0.5 + rng.random(cols), 0.0)
    b = A @ w + 0.1 * rng.normal(size=rows) / np.sqrt(rows)
    tol = residual * float(np.abs(A.T @ b).max())
    return Problem(NNLS, {"A": A, "b": b}, "cols", Correlation("A"), tol,
                   lambda w: violation(A, b, w), lambda: nnls_loop(A, b, tol, EPOCHS))  # fmt: skip


def groups(tiny: bool, residual: float) -> Problem:
    """Group Lasso on the example's problem, larger."""
    rows, count = (60, 8) if tiny else (20_000, 200)
    X, y, penalty = group_problem(rows, count, active=max(count // 20, 2))
    X = np.asfortranarray(X)
    top = float(np.linalg.norm((X.T @ y).reshape(count, WIDTH), axis=1).max())
    tol = residual * top

    def judge(w: np.ndarray) -> float:
        slopes = (X.T @ (y - X @ w.ravel())).reshape(w.shape)
        length = np.linalg.norm(w, axis=1)[:, None]
        used = length[:, 0] > 0.0
        slopes -= penalty * np.divide(w, length, out=np.zeros_like(w), where=length > 0.0)
        found = np.linalg.norm(slopes, axis=1) - np.where(used, 0.0, penalty)
        return float(found.max() / top)

    given = {"X": X, "y": y, "groups": count, "width": WIDTH, "penalty": penalty}
    return Problem(GroupLasso, given, "groups", None, tol, judge,
                   lambda: group_loop(X, y, count, penalty, tol, EPOCHS))  # fmt: skip


MADE: dict[str, Callable[[bool, float], Problem]] = {
    "chain": lambda tiny, residual: columns("chain", tiny, residual),
    "blocks": lambda tiny, residual: columns("blocks", tiny, residual),
    "groups": groups,
}


@numba.njit(error_model="numpy", nogil=True)
def nnls_loop(A, b, tol, most):
    """Cyclic coordinate descent, columns of norm 1; checked when a sweep changed little."""
    w, r = np.zeros(A.shape[1]), b.copy()
    for _ in range(most):
        worst = 0.0
        for j in range(len(w)):
            g = np.dot(A[:, j], r)
            worst = max(worst, abs(g) if w[j] > 0.0 else g)
            delta = max(g, -w[j])
            if delta != 0.0:
                w[j] += delta
                r -= delta * A[:, j]
        if worst <= tol:
            left = 0.0
            for j in range(len(w)):
                g = np.dot(A[:, j], r)
                left = max(left, abs(g) if w[j] > 0.0 else g)
            if left <= tol:
                break
    return w


def group_loop(X, y, count, penalty, tol, most):
    """Cyclic descent over groups."""
    X3 = X.reshape(len(y), count, WIDTH)
    curvature = np.array([np.linalg.norm(X3[:, g], 2) ** 2 for g in range(count)])
    return _group_loop(X, y, curvature, penalty, tol, most)


@numba.njit(error_model="numpy", nogil=True)
def _group_loop(X, y, curvature, penalty, tol, most):
    width = X.shape[1] // len(curvature)
    w, r, step = np.zeros((len(curvature), width)), y.copy(), np.zeros(width)
    for _ in range(most):
        worst = 0.0
        for g in range(len(curvature)):
            for k in range(width):
                step[k] = np.dot(X[:, g * width + k], r)
            worst = max(worst, group_violation(step, w[g], penalty))
            for k in range(width):
                step[k] = w[g, k] + step[k] / curvature[g]
            length = np.sqrt(np.sum(step**2))
            least = penalty / curvature[g]
            shrink = 1.0 - least / length if length > least else 0.0
            for k in range(width):
                delta = shrink * step[k] - w[g, k]
                w[g, k] += delta
                if delta != 0.0:
                    r -= delta * X[:, g * width + k]
        if worst <= tol:
            left = 0.0
            for g in range(len(curvature)):
                for k in range(width):
                    step[k] = np.dot(X[:, g * width + k], r)
                left = max(left, group_violation(step, w[g], penalty))
            if left <= tol:
                break
    return w


@numba.njit(error_model="numpy", nogil=True)
def group_violation(slope, w, penalty):
    """How much the weights of a group violate their optimality condition."""
    length = np.sqrt(np.sum(w**2))
    if length == 0.0:
        return np.sqrt(np.sum(slope**2)) - penalty
    return np.sqrt(np.sum((slope - penalty * w / length) ** 2))


if __name__ == "__main__":
    command(main)

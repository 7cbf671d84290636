"""The README's program under every schedule, beside plain Numba loops on one thread."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import numba
import numpy as np
import scipy.sparse as sp
from typer import Option

from bench.harness.command import command, loaded
from bench.harness.tables import Table
from bench.harness.ways import Answer, in_turns, scheduled, spread
from bench.lasso.data import dataset, unit_dataset
from examples.own_program import NNLS
from strads import Correlation, Priority, RoundRobin, Schedule

COUPLING = Correlation("A")
#: The README's schedule is by lists; the others take its place. In a micro-round each worker has
#: one id.
SCHEDULES: dict[str, Schedule] = {
    "round-robin": RoundRobin("cols", lease=4096, micro=4096),
    "draws": Priority("cols", rho=0.1, coupling=COUPLING, by="draws"),
    "lists": Priority("cols", rho=0.1, coupling=COUPLING),
}
COLUMNS = [
    ("data, residual", "{data}, {residual:g}"),
    ("who", "{who}"),
    ("updates", "{updates:,}"),
    ("ms (min – max)", "{median:.1f} ({least:.1f} – {most:.1f})"),
    ("÷ cyclic loop", "{ratio:.2f}"),
    ("judged residual", "{judged:.1e}"),
]
MOST = 20_000  # epochs


class Problem(NamedTuple):
    """min ½‖b − Aw‖² over w ≥ 0, to a KKT residual."""

    A: Any  # CSC, unit columns
    b: np.ndarray
    tol: float


Way = Callable[[Problem], Answer]


def main(
    data: list[str] = ("BASEHOCK", "dorothea", "20news-bow"),
    residuals: Annotated[list[float], Option(help="relative to the residual at 0")] = (1e-3, 1e-5),
    workers: Annotated[list[int], Option()] = (1, 2),
    schedules: list[str] = tuple(SCHEDULES),
    placed: Annotated[
        bool, Option(help="also two workers without a check: bench.programs.placed")
    ] = False,
    repeats: int = 5,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Milliseconds to a KKT residual; all take turns.

    When all that a loop met in a sweep over all columns is within the tolerance, it computes the
    residual, and ends if that is, too. The programs stop by their measure, every fourth epoch.
    """
    ways: dict[str, Way] = {"cyclic loop": looped(cyclic), "loop over lists": looped(by_lists)}
    for name in schedules:
        ways |= {f"{name}, {n} worker{'s' * (n > 1)}": program(name, n) for n in workers}
    if placed:
        from bench.programs.placed import PLACEMENTS, unchecked

        ways |= {f"{how}, unchecked, 2 workers": unchecked(how) for how in PLACEMENTS}
    rows: list[dict[str, Any]] = []
    for name, _ in loaded(["tiny"] if tiny else data, dataset):
        for residual in residuals:
            rows += compared(name, residual, ways, repeats)
    Table("Non-negative least squares", COLUMNS, rows).show()
    return rows


def problem(name: str, residual: float) -> Problem:
    """Return a data set as a problem; all entries of b are at least 0."""
    X, y = unit_dataset(name)
    A = sp.csc_matrix(X) / np.sqrt(X.shape[0])  # columns of norm 1
    A.sort_indices()
    b = np.asarray(y, float) - np.min(y)
    return Problem(A, b, residual * float(np.abs(A.T @ b).max()))


def violation(A: Any, b: np.ndarray, w: np.ndarray) -> float:
    """KKT residual of non-negative least squares, relative to that at w = 0."""
    g = A.T @ (b - A @ w)
    worst = np.where(w > 0.0, np.abs(g), np.maximum(g, 0.0)).max()
    return float(worst / np.abs(A.T @ b).max())


def compared(name: str, residual: float, ways: dict[str, Way], repeats: int) -> list[dict]:
    """Rows of one problem."""
    asked = problem(name, residual)
    answers, seconds = in_turns({who: partial(way, asked) for who, way in ways.items()}, repeats)
    first = np.median(seconds["cyclic loop"])
    return [
        {"data": name, "residual": residual, "who": who, "updates": answers[who][1],
         **spread(times, 1e-3), "ratio": np.median(times) / first,
         "judged": violation(asked.A, asked.b, answers[who][0])}
        for who, times in seconds.items()
    ]  # fmt: skip


def program(name: str, workers: int) -> Way:
    """Run the program under a schedule."""
    schedule = SCHEDULES[name]
    return lambda asked: scheduled(
        NNLS, schedule, workers, field="w", tol=asked.tol, epochs=MOST, A=asked.A, b=asked.b
    )


def looped(loop: Callable[..., Answer]) -> Way:
    """Run a plain loop."""

    def solve(asked: Problem) -> Answer:
        A = asked.A
        return loop(A.indptr, A.indices, A.data, asked.b, asked.tol, MOST)

    return solve


@numba.njit(error_model="numpy", nogil=True)
def updated(indptr, indices, values, w, r, j):
    """Minimise over column j; return its gradient before and its change."""
    g = 0.0
    for k in range(indptr[j], indptr[j + 1]):
        g += values[k] * r[indices[k]]
    delta = max(g, -w[j])
    if delta != 0.0:
        w[j] += delta
        for k in range(indptr[j], indptr[j + 1]):
            r[indices[k]] -= delta * values[k]
    return g, delta


@numba.njit(error_model="numpy", nogil=True)
def residual(indptr, indices, values, w, r):
    """KKT residual of all columns."""
    worst = 0.0
    for j in range(len(w)):
        g = 0.0
        for k in range(indptr[j], indptr[j + 1]):
            g += values[k] * r[indices[k]]
        worst = max(worst, abs(g) if w[j] > 0.0 else g)
    return worst


@numba.njit(error_model="numpy", nogil=True)
def cyclic(indptr, indices, values, b, tol, most):
    """Update all columns in turn, unit columns or empty ones."""
    size = len(indptr) - 1
    w, r, updates = np.zeros(size), b.copy(), 0
    for _ in range(most):
        worst = 0.0
        for j in range(size):
            g, delta = updated(indptr, indices, values, w, r, j)
            worst = max(worst, abs(g) if w[j] > delta else g)
            updates += 1
        if worst <= tol and residual(indptr, indices, values, w, r) <= tol:
            break
    return w, updates


@numba.njit(error_model="numpy", nogil=True)
def by_lists(indptr, indices, values, b, tol, most, floor=0.01, passes=10):
    """Sweep over all columns, then some times over those whose last change was large."""
    size = len(indptr) - 1
    w, r, updates = np.zeros(size), b.copy(), 0
    change, listed = np.zeros(size), np.empty(size, np.int64)
    for _ in range(most):
        worst = top = 0.0
        for j in range(size):
            g, delta = updated(indptr, indices, values, w, r, j)
            worst = max(worst, abs(g) if w[j] > delta else g)
            change[j] = abs(delta)
            top = max(top, change[j])
        updates += size
        if worst <= tol and residual(indptr, indices, values, w, r) <= tol:
            break
        length = 0
        for j in range(size):
            if change[j] > floor * top:
                listed[length] = j
                length += 1
        for _ in range(passes):
            left, largest = 0, 0.0
            for i in range(length):
                j = listed[i]
                delta = abs(updated(indptr, indices, values, w, r, j)[1])
                largest = max(largest, delta)
                if delta > 0.1 * floor * top:
                    listed[left] = j
                    left += 1
            updates += length
            length = left
            if largest < 0.1 * top:
                break
    return w, updates


if __name__ == "__main__":
    command(main)

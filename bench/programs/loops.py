"""Programs from `examples/` beside plain Numba loops of the same updates, on one thread."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import numba
import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits
from typer import Option

from bench.harness.command import command
from bench.harness.tables import Table
from bench.harness.ways import in_turns, spread, varied
from bench.lasso.data import dataset
from bench.programs import heavy_problems
from bench.svm.problem import by_rows
from examples import logistic, pagerank, potts, svm
from strads import Program, run

COLUMNS = [
    ("program", "{program}"),
    ("who", "{who}"),
    ("s (min – max)", "{median:.2f} ({least:.2f} – {most:.2f})"),
    ("loop ÷ it", "{gain:.2f}"),
    ("judged", "{judged:.2e}"),
]
plain = numba.njit(error_model="numpy", nogil=True)


class Problem(NamedTuple):
    """A program with its arguments and the options of its run, a loop, and a judge of answers."""

    program: type[Program]
    given: dict[str, Any]
    field: str  # of the answer
    options: dict[str, Any]
    loop: Callable[[], np.ndarray]
    judge: Callable[[np.ndarray], float]


def main(
    programs: list[str] = ("pagerank", "potts", "logistic", "groups", "svm"),
    workers: Annotated[list[int], Option()] = (1, 2),
    repeats: int = 5,
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Seconds of programs and of plain loops to the same accuracy; all take turns.

    Judged: PageRank's distance from the solution, a bound; the share of equal neighbours after
    Potts' sweeps; the largest violation of the optimality conditions, relative to that at zero; of
    the SVM the relative duality gap.
    """
    rows: list[dict[str, Any]] = []
    for name in programs:
        with threadpool_limits(1):
            rows += compared(name, MADE[name](tiny), workers, repeats)
    Table("Programs beside plain loops", COLUMNS, rows).show()
    return rows


def compared(name: str, asked: Problem, workers: list[int], repeats: int) -> list[dict[str, Any]]:
    """Rows of one problem."""

    def solved(count: int) -> np.ndarray:
        found = run(asked.program(**asked.given), workers=count, seed=0, **asked.options)
        return found.state[asked.field]

    ways: dict[str, Callable[[], np.ndarray]] = {"plain loop": asked.loop}
    ways |= {f"{n} worker{'s' * (n > 1)}": partial(solved, n) for n in workers}
    answers, seconds = in_turns(ways, repeats)
    found = {who: spread(times) for who, times in seconds.items()}
    first = found["plain loop"]["median"]
    return [
        {"program": name, "who": who, **times, "gain": first / times["median"],
         "judged": asked.judge(answers[who])}
        for who, times in found.items()
    ]  # fmt: skip


def ranks(tiny: bool) -> Problem:
    """PageRank on a random graph, to a distance of 1e-10."""
    links = pagerank.problem(*((300, 2_000) if tiny else (1_000_000, 10_000_000)))
    size, tol = links.shape[0], 1e-10
    degrees = np.bincount(links.indices, minlength=size)
    share = np.divide(1.0, degrees, out=np.zeros(size), where=degrees > 0)
    pattern = sp.csr_array((np.ones(links.nnz), links.indices, links.indptr), shape=links.shape)

    def judge(x: np.ndarray) -> float:
        step = 0.15 / size + 0.85 * (pattern @ (share * x) + x[degrees == 0].sum() / size)
        return float(np.abs(step - x).sum() / 0.15)

    loop = partial(rank_loop, links.indptr, links.indices, share, 0.85, tol, 1_000)
    options = {"tol": tol, "epochs": 500}
    return Problem(pagerank.PageRank, {"links": links}, "x", options, loop, judge)


@plain
def rank_loop(indptr, indices, share, damping, tol, most):
    """Power iteration until the distance from the solution is at most `tol`."""
    n = len(share)
    x, y = np.full(n, 1.0 / n), np.empty(n)
    for _ in range(most):
        lost = 0.0
        for j in range(n):
            if share[j] == 0.0:
                lost += x[j]
        base, change = (1.0 - damping) / n + damping * lost / n, 0.0
        for i in range(n):
            total = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                total += share[indices[k]] * x[indices[k]]
            y[i] = base + damping * total
            change += abs(y[i] - x[i])
        x, y = y, x
        if change * damping / (1.0 - damping) <= tol:
            break
    return x


def states(tiny: bool) -> Problem:
    """Forty sweeps of Potts' model with eight states on a square lattice."""
    side, sweeps, q, beta = (24 if tiny else 1_000), 40, 8, 1.0
    edges = potts.lattice(side)
    first = np.random.default_rng(0).integers(0, q, side * side).astype(np.int8)
    source = np.repeat(np.arange(side * side), np.diff(edges.indptr))
    program = varied(potts.Potts, measure_every=sweeps)

    def loop() -> np.ndarray:
        boost = np.exp(beta * np.arange(5))
        rng = np.random.default_rng(0)
        return state_loop(
            edges.indptr, edges.indices, boost, first.copy(), np.zeros(q), sweeps, rng
        )

    return Problem(
        program, {"edges": edges, "states": q, "degrees": 5, "beta": beta}, "s",
        {"epochs": sweeps}, loop, lambda s: float(np.mean(s[source] == s[edges.indices])),
    )  # fmt: skip


@plain
def state_loop(indptr, indices, boost, s, weight, sweeps, rng):
    """Draw all sites in order, several times."""
    for _ in range(sweeps):
        for j in range(len(s)):
            weight[:] = 0.0
            for k in range(indptr[j], indptr[j + 1]):
                weight[s[indices[k]]] += 1.0
            total = 0.0
            for state in range(len(weight)):
                total += boost[int(weight[state])]
                weight[state] = total
            level, new = rng.random() * total, 0
            while new < len(weight) - 1 and weight[new] <= level:
                new += 1
            s[j] = new
    return s


def classes(tiny: bool) -> Problem:
    """Sparse logistic regression on w8a, λ a hundredth of the least that leaves no weight."""
    if tiny:
        X, y, _ = logistic.problem(60, 10)
    else:
        X, y = dataset("w8a")
        X, y = sp.csc_array(X), np.where(y > 0.0, 1.0, -1.0)
    top = float(np.abs(X.T @ y).max()) / 2.0
    penalty, tol = 0.01 * top, 1e-4 * top

    def judge(w: np.ndarray) -> float:
        g = X.T @ (y / (1.0 + np.exp(y * (X @ w))))
        off = np.where(w == 0.0, np.abs(g) - penalty, np.abs(g - np.copysign(penalty, w)))
        return float(off.max() / top)

    curvature = np.asarray(X.multiply(X).sum(axis=0)).ravel() / 4.0
    loop = partial(class_loop, X.indptr, X.indices, X.data, y, curvature, penalty, tol, 10_000)
    program = varied(logistic.Logistic, measure_every=4)
    given = {"X": X, "y": y, "penalty": penalty}
    return Problem(program, given, "w", {"tol": tol, "epochs": 10_000}, loop, judge)


@plain
def class_loop(indptr, indices, values, y, curvature, penalty, tol, most):
    """Cyclic coordinate descent; it ends when no coordinate was off by more than `tol`."""
    w, f, slope = np.zeros(len(indptr) - 1), np.zeros(len(y)), y / 2.0
    for _ in range(most):
        worst = 0.0
        for j in range(len(w)):
            if curvature[j] == 0.0:
                continue
            g = 0.0
            for k in range(indptr[j], indptr[j + 1]):
                g += values[k] * slope[indices[k]]
            off = abs(g - np.copysign(penalty, w[j])) if w[j] != 0.0 else abs(g) - penalty
            worst = max(worst, off)
            target = curvature[j] * w[j] + g
            new = np.copysign(max(abs(target) - penalty, 0.0) / curvature[j], target)
            d = new - w[j]
            if d != 0.0:
                w[j] = new
                for k in range(indptr[j], indptr[j + 1]):
                    i = indices[k]
                    f[i] += d * values[k]
                    slope[i] = y[i] / (1.0 + np.exp(y[i] * f[i]))
        if worst <= tol:
            break
    return w


def grouped(tiny: bool) -> Problem:
    """Group Lasso, as in `bench.programs.heavy_problems`."""
    asked = heavy_problems.groups(tiny, 1e-6)
    program = varied(asked.program, measure_every=4)
    options = {"tol": asked.tol, "epochs": heavy_problems.EPOCHS}
    return Problem(program, asked.given, "w", options, asked.loop, asked.judge)


def machine(tiny: bool) -> Problem:
    """Linear SVM on the reviews of imdb, unit rows, C = 1, to a relative duality gap of 1e-3."""
    if tiny:
        X, y = svm.problem(150, 60)
    else:
        given, scores = by_rows("imdb", unit=True, two=True, classes=True)
        X, y = sp.csr_array(given), np.where(scores > 0.0, 1.0, -1.0)
    C, tol, most = 1.0, 1e-3, 1_000

    def judge(alpha: np.ndarray) -> float:
        w = X.T @ (alpha * y)
        primal = 0.5 * w @ w + C * np.maximum(1.0 - y * (X @ w), 0.0).sum()
        return float((primal - alpha.sum() + 0.5 * w @ w) / primal)

    def loop() -> np.ndarray:
        norm2 = np.asarray(X.multiply(X).sum(axis=1)).ravel()
        rng = np.random.default_rng(0)
        return machine_loop(X.indptr, X.indices, X.data, y, norm2, C, tol, most, rng)

    program = varied(svm.SVM, measure_every=4)
    options = {"tol": tol, "epochs": most}
    return Problem(program, {"X": X, "y": y, "C": C}, "alpha", options, loop, judge)


@plain
def machine_loop(indptr, indices, values, y, norm2, C, tol, most, rng):
    """Dual coordinate descent in a new random order every epoch; every fourth is judged."""
    n = len(y)
    alpha, w, order = np.zeros(n), np.zeros(indices.max() + 1), np.arange(n)
    for epoch in range(most):
        rng.shuffle(order)
        for i in order:
            score = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                score += values[k] * w[indices[k]]
            step = (y[i] * score - 1.0) / norm2[i] if norm2[i] > 0.0 else -C
            new = min(max(alpha[i] - step, 0.0), C)
            d = (new - alpha[i]) * y[i]
            if d != 0.0:
                alpha[i] = new
                for k in range(indptr[i], indptr[i + 1]):
                    w[indices[k]] += d * values[k]
        if epoch % 4 == 3:
            half = 0.5 * np.sum(w * w)
            loss = 0.0
            for i in range(n):
                score = 0.0
                for k in range(indptr[i], indptr[i + 1]):
                    score += values[k] * w[indices[k]]
                loss += C * max(1.0 - y[i] * score, 0.0)
            if 2.0 * half + loss - np.sum(alpha) <= tol * (half + loss):
                break
    return alpha


MADE: dict[str, Callable[[bool], Problem]] = {
    "pagerank": ranks, "potts": states, "logistic": classes, "groups": grouped,
    "svm": machine,
}  # fmt: skip


if __name__ == "__main__":
    command(main)

"""Problems with heavy ids, and plain loops in Numba that solve them on one thread."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import scipy.sparse as sp

from bench.programs.nnls import violation
from examples.group_lasso import WIDTH, GroupLasso, curvatures
from examples.group_lasso import problem as group_problem
from examples.logistic import Logistic
from examples.own_program import NNLS
from strads import Correlation, Program

EPOCHS = 5_000


class Problem(NamedTuple):
    """A program to be run to a residual, the axis of its ids, and a loop that does the same."""

    program: type[Program]
    given: dict[str, Any]
    field: str  # of the answer
    axis: str
    coupling: Any
    tol: float
    judge: Callable[[np.ndarray], float]
    loop: Callable[[], np.ndarray]


def columns(kind: str, tiny: bool, residual: float) -> Problem:
    """Non-negative least squares on dense columns of norm 1, one in twenty with a weight."""
    rows, cols = (60, 40) if tiny else (20_000, 1_000)
    rng = np.random.default_rng(0)
    A = rng.normal(size=(rows, cols))
    if kind == "chain":
        A = chained(A)
    else:  # twenty columns share a factor
        A = 0.5 * A + np.sqrt(0.75) * np.repeat(rng.normal(size=(rows, cols // 20)), 20, axis=1)
    A = np.asfortranarray(A / np.linalg.norm(A, axis=0))
    w = np.where(rng.random(cols) < 0.05, 0.5 + rng.random(cols), 0.0)
    b = A @ w + 0.1 * rng.normal(size=rows) / np.sqrt(rows)
    tol = residual * float(np.abs(A.T @ b).max())
    return Problem(NNLS, {"A": A, "b": b}, "w", "cols", Correlation("A"), tol,
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
    return Problem(GroupLasso, given, "w", "groups", None, tol, judge,
                   lambda: group_loop(X, y, count, penalty, tol, EPOCHS))  # fmt: skip


def classes(tiny: bool, residual: float) -> Problem:
    """Sparse logistic regression on dense columns: an exponential for every number of a column."""
    rows, cols = (60, 40) if tiny else (4_000, 1_000)
    rng = np.random.default_rng(0)
    X = chained(rng.normal(size=(rows, cols)))
    w = np.where(rng.random(cols) < 0.05, rng.normal(size=cols), 0.0)
    y = np.where(rng.random(rows) < 1.0 / (1.0 + np.exp(-2.0 * (X @ w))), 1.0, -1.0)
    X = np.asfortranarray(X / np.linalg.norm(X, axis=0))
    top = float(np.abs(X.T @ y).max()) / 2.0
    penalty, tol = 0.02 * top, residual * top

    def judge(w: np.ndarray) -> float:
        slope = X.T @ (y / (1.0 + np.exp(y * (X @ w))))
        off = np.where(w == 0.0, np.abs(slope) - penalty, np.abs(slope - np.copysign(penalty, w)))
        return float(off.max() / top)

    given = {"X": sp.csc_array(X), "y": y, "penalty": penalty}  # as the example wants it
    return Problem(Logistic, given, "w", "features", Correlation("X"), tol, judge,
                   lambda: class_loop(X, y, penalty, tol, EPOCHS))  # fmt: skip


def chained(A: np.ndarray) -> np.ndarray:
    """Make each column correlated with its neighbours by 0.95; return the array itself."""
    for j in range(1, A.shape[1]):
        A[:, j] = 0.95 * A[:, j - 1] + np.sqrt(1.0 - 0.95**2) * A[:, j]
    return A


MADE: dict[str, Callable[[bool, float], Problem]] = {
    "chain": lambda tiny, residual: columns("chain", tiny, residual),
    "blocks": lambda tiny, residual: columns("blocks", tiny, residual),
    "groups": groups,
    "classes": classes,
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
    return _group_loop(X, y, curvatures(X, count, WIDTH), penalty, tol, most)


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
def class_loop(X, y, penalty, tol, most):
    """Cyclic descent of logistic regression, columns of norm 1; checked as `nnls_loop` is."""
    w, f, slope = np.zeros(X.shape[1]), np.zeros(len(y)), y / 2.0
    for _ in range(most):
        worst = 0.0
        for j in range(len(w)):
            g = np.dot(X[:, j], slope)
            worst = max(worst, class_violation(g, w[j], penalty))
            target = 0.25 * w[j] + g
            d = np.copysign(max(abs(target) - penalty, 0.0) / 0.25, target) - w[j]
            if d != 0.0:
                w[j] += d
                for i in range(len(y)):
                    f[i] += d * X[i, j]
                    slope[i] = y[i] / (1.0 + np.exp(y[i] * f[i]))
        if worst <= tol:
            left = 0.0
            for j in range(len(w)):
                left = max(left, class_violation(np.dot(X[:, j], slope), w[j], penalty))
            if left <= tol:
                break
    return w


@numba.njit(error_model="numpy", nogil=True)
def class_violation(slope, w, penalty):
    """How much a weight violates its optimality condition."""
    return abs(slope - np.copysign(penalty, w)) if w != 0.0 else abs(slope) - penalty


@numba.njit(error_model="numpy", nogil=True)
def group_violation(slope, w, penalty):
    """How much the weights of a group violate their optimality condition."""
    length = np.sqrt(np.sum(w**2))
    if length == 0.0:
        return np.sqrt(np.sum(slope**2)) - penalty
    return np.sqrt(np.sum((slope - penalty * w / length) ** 2))

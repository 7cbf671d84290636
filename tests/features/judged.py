"""A small data set, and judges of its models that do not know who has fitted them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp
from certified import Case
from scipy.optimize import lsq_linear
from scipy.special import expit, softmax

N, P = 30, 6
#: The weight of the penalty, and C = 1 / (n alpha).
ALPHA = 0.1
C = 1.0 / (N * ALPHA)
#: Groups of features that are not contiguous, and those that are.
LISTS = [[0, 5], [2], [4, 1, 3]]
SIZES = [1, 2, 3]
FACTORS = np.array([2.0, 0.5, 1.0, 0.0, 1.0, 3.0])

_rng = np.random.default_rng(7)
#: Dense X with zeros, so that its sparse forms have the same models.
X = np.asfortranarray(_rng.normal(size=(N, P)) * (_rng.random((N, P)) < 0.7) + np.eye(P)[0])
S = sp.csc_matrix(X)
_f = X @ np.array([1.0, -1.0, 0.5, 0.3, 0.0, 0.0])
y = _f + 0.4 * _rng.normal(size=N) + 2.0
Y = np.column_stack([y, X @ np.array([0.0, 1.0, 0.0, 0.7, 0.0, 0.3]) + _rng.normal(size=N)])
_noisy = _f + 1.5 * _rng.logistic(size=N) * 0.5
labels = (_noisy > np.median(_noisy)).astype(int)
signs = 2.0 * labels - 1.0
classes = np.digitize(_noisy, np.quantile(_noisy, [0.3, 0.6]))
counts = _rng.poisson(np.exp(0.4 * _f + 1.0)).astype(float)
#: Whole weights of the samples, some of them 0, and what is repeated as often.
often = np.tile([1, 3, 0, 2, 1], N // 5)
REPEATED = np.repeat(np.arange(N), often)
#: The samples, those of the second class three times.
TRIPLED = np.repeat(np.arange(N), 1 + 2 * labels)

#: Derivatives of losses by the prediction F.
SLOPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "squared": lambda F, T: F - T,
    "huber": lambda F, T: np.clip(F - T, -0.3, 0.3),
    "poisson": lambda F, T: np.exp(F) - T,
    "gamma": lambda F, T: 1.0 - T * np.exp(-F),
    "logistic": lambda F, T: expit(F) - T,
    "multinomial": lambda F, T: softmax(F, axis=1) - T,
    "squared hinge": lambda F, T: (1 - 2 * T) * 2 * np.maximum(1 - (2 * T - 1) * F, 0),
    "expectile": lambda F, T: np.where(T > F, 0.8, 0.2) * (F - T),
}


def one_hot(numbers: np.ndarray) -> np.ndarray:
    """Return a column of 0 and 1 for every class."""
    return (numbers[:, None] == np.unique(numbers)).astype(float)


def solved(
    model: Any, T: np.ndarray = y, *, loss: str = "squared", alpha: float = ALPHA,
    l1_ratio: float = 1.0, groups: Sequence[Sequence[int]] | None = None,
    factors: np.ndarray | None = None, together: bool = False, positive: bool = False,
    slope: Callable[[np.ndarray], np.ndarray] | None = None, free: bool = True,
    X: np.ndarray = X, tol: float = 1e-3,
) -> Any:  # fmt: skip
    """Demand that a model meets the optimality conditions of its penalty, and return it.

    Parameters
    ----------
    model : estimator, or weights and intercept
    T : ndarray
        Targets, one column each; of classes 0 and 1.
    groups, factors, together
        Groups of features, a factor of the penalty for each, and whether a group has the weights of
        all targets together.
    slope : callable, optional
        The derivative of the penalty by the size of a weight, if it is not alpha.
    free : bool
        Whether there are intercepts, without a penalty; else there are none.
    """
    coef, intercept = model if isinstance(model, tuple) else (model.coef_, model.intercept_)
    W, T = np.atleast_2d(np.asarray(coef, float)).T, np.asarray(T, float).reshape(len(T), -1)
    assert W.shape == (X.shape[1], T.shape[1]), W.shape
    assert W.any(), "no weights"
    D = SLOPES[loss](X @ W + np.asarray(intercept), T) / len(T)
    if free:
        assert np.all(np.abs(D.sum(axis=0)) <= tol * alpha), f"intercepts: {D.sum(axis=0)}"
    else:
        assert np.all(np.asarray(intercept) == 0.0)
    G = X.T @ D + alpha * (1.0 - l1_ratio) * W
    parts = [[j] for j in range(len(W))] if groups is None else groups
    sizes = alpha * l1_ratio * (np.ones(len(parts)) if factors is None else factors)
    for part, size in zip(parts, sizes, strict=True):
        for columns in [slice(None)] if together else [[k] for k in range(T.shape[1])]:
            g, w = G[part][:, columns].ravel(), W[part][:, columns].ravel()
            if slope is not None:
                size = slope(np.abs(w))[0]
            missed = missing(g, w, size, positive)
            assert missed <= tol * alpha, f"features {part}: {missed}"
    return model


def missing(g: np.ndarray, w: np.ndarray, size: float, positive: bool) -> float:
    """Return how far −g is from the subdifferential of size·‖w‖, with w ≥ 0 or without."""
    if positive:
        assert np.all(w >= 0.0)
    length = float(np.linalg.norm(w))
    if length == 0.0:
        return max(float(np.linalg.norm(np.minimum(g, 0.0) if positive else g)) - size, 0.0)
    rest = g + size * w / length
    return float(
        np.linalg.norm(np.where(w == 0.0, np.minimum(rest, 0.0), rest) if positive else rest)
    )


def separated(
    model: Any, t: np.ndarray, *, loss: str, C: float = 1.0, epsilon: float = 0.2,
    intercept: str = "penalised", bend: float = 1e-3, tol: float = 1e-2,
) -> Any:  # fmt: skip
    """Demand that a support vector machine is the best one, and return it.

    Its weights are sums of samples times derivatives of their losses. Where a loss has a bend, any
    number between both slopes will do; a sample as near to it as `bend` counts as one.
    """
    coef, b = model if isinstance(model, tuple) else (model.coef_, model.intercept_)
    w, b = np.ravel(coef), float(np.ravel(b)[0])
    r = (1 - t * (X @ w + b), -t) if loss.endswith("hinge") else (np.abs(X @ w + b - t) - epsilon,)
    sign = r[1] if len(r) > 1 else np.sign(X @ w + b - t)
    over = r[0]
    if loss.startswith("squared"):
        low = high = 2.0 * np.maximum(over, 0.0)
    else:
        low, high = (over > bend).astype(float), (over > -bend).astype(float)
    A, wanted = X.T * sign, -w / C
    if intercept != "none":
        A = np.vstack([A, sign])
        wanted = np.append(wanted, -b / C if intercept == "penalised" else 0.0)
    found = lsq_linear(A, wanted, (low - 1e-9, high + 1e-9))
    missed = float(np.linalg.norm(found.fun))
    assert missed <= tol * max(1.0, float(np.linalg.norm(wanted))), missed
    return model


def lowest(objective: Callable[[np.ndarray], float], weights: np.ndarray) -> None:
    """Demand that a convex objective is nowhere lower near some weights."""
    rng, here = np.random.default_rng(0), objective(weights)
    for step in np.repeat([1e-1, 1e-2, 1e-3], 200):
        away = step * rng.normal(size=weights.shape) * (rng.random(weights.shape) < 0.5)
        assert objective(weights + away) >= here - 1e-7 * abs(here)


def crammer_singer(W: np.ndarray) -> float:
    """Return ½‖W‖² plus the sum of the losses of three classes; W has a column of intercepts."""
    F = np.column_stack([X, np.ones(N)]) @ W.T
    right = F[np.arange(N), classes]
    F[np.arange(N), classes] = -np.inf
    return float(np.sum(W**2) / 2 + np.maximum(1 + F.max(axis=1) - right, 0).sum())


def quantile(w: np.ndarray) -> float:
    """Return the mean quantile loss at 0.7 and the L1 penalty; the last number is the intercept."""
    r = y - X @ w[:-1] - w[-1]
    return float(np.mean(np.maximum(0.7 * r, -0.3 * r)) + ALPHA * np.abs(w[:-1]).sum())


def cox(w: np.ndarray) -> float:
    """Return Cox's partial loss for times exp(y), none of them censored, and the L1 penalty."""
    f = X @ w
    later = y[None, :] >= y[:, None]
    loss = np.mean(np.log(np.where(later, np.exp(f)[None, :], 0.0).sum(axis=1)) - f)
    return float(loss + ALPHA / 2 * np.abs(w).sum())


def true_gap(model: Any, X: np.ndarray, T: np.ndarray) -> tuple[float, float]:
    """Return the true relative gap of a Lasso, in extended precision, and the objective at zero."""
    T = np.asarray(T, float)
    case = Case(X, T, None, ALPHA, True, False)
    return case.true_gap(model), float(np.mean((T - T.mean()) ** 2) / 2)


def centred(values: np.ndarray) -> np.ndarray:
    """Return columns without their means."""
    return np.asfortranarray(values - values.mean(axis=0))


def wide() -> sp.csc_array:
    """Return sparse X whose indices have 64 bits."""
    X64 = sp.csc_array(X)
    X64.indices, X64.indptr = X64.indices.astype(np.int64), X64.indptr.astype(np.int64)
    return X64


def far() -> tuple[np.ndarray, np.ndarray]:
    """Return single-precision data whose means are large, so that rounding matters."""
    return np.asfortranarray(X + 1e5, dtype=np.float32), y.astype(np.float32)


def of_words(model: Any, data: Any = X) -> Any:
    """Demand that a classifier is fitted to words and predicts them, and return it."""
    words = np.array(["no", "yes"])[labels]
    found = model.fit(data, words).predict(data)
    assert set(found) == {"no", "yes"}
    assert np.mean(found == words) > 0.6
    return model


@contextmanager
def silent() -> Iterator[None]:
    """Go without warnings, such as those of a fit that ends early."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

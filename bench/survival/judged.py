"""Fits whose processes are killed, each with a judgement of its result that owes it nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads import (
    NMF,
    ImplicitFactorization,
    Lasso,
    LatentDirichletAllocation,
    MatrixFactorization,
    run,
)
from strads.engine import Instrument

WORKERS = 2
#: Relative duality gap of the Lasso, KKT residual of the user's program relative to its start.
GAP, RESIDUAL = 1e-6, 1e-6
#: By how much an objective may exceed that of the undisturbed fit, as a share of it. A step that
#: begins again takes the path of another seed.
WORSE = 0.02
#: The same for topics, whose perplexity differs by up to a tenth between twelve undisturbed seeds.
WORSE_TOPICS = 0.15


@dataclass(frozen=True)
class Kind:
    """A fit and its judgement.

    Attributes
    ----------
    fit : callable
        ``fit(instruments)`` returns what is judged and the statistics of the run.
    value : callable
        ``value(result)`` is a number computed from the returned model alone.
    bound : float or None
        What the number must not exceed; None: that of the undisturbed fit, by a little.
    worse : float
        By how much it may then exceed that, as a share of it.
    """

    fit: Callable[[list[Instrument]], tuple[Any, dict[str, Any]]]
    value: Callable[[Any], float]
    bound: float | None = None
    worse: float = WORSE

    def most(self, values: list[float]) -> float:
        """Return what the number must not exceed, given those of undisturbed fits."""
        return max(values) * (1.0 + self.worse) if self.bound is None else self.bound


def _estimator(make: Callable[..., Any], *data: Any) -> Callable[[list[Instrument]], Any]:
    def fit(instruments: list[Instrument]) -> tuple[Any, dict[str, Any]]:
        model = make(n_workers=WORKERS, callbacks=instruments)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(*data)
        return model, model.statistics_

    return fit


def lasso(size: float) -> Kind:
    """Return a Lasso on sparse data."""
    rng = np.random.default_rng(0)
    n, p = int(4_000 * size), int(20_000 * size)
    X = sp.random_array((n, p), density=0.01, format="csc", rng=rng)
    y = X @ (rng.normal(size=p) * (rng.random(p) < 0.05)) + 0.1 * rng.normal(size=n)
    alpha = float(np.abs(X.T @ (y - y.mean())).max()) / n / 100.0

    def gap(model: Any) -> float:
        r = y - X @ model.coef_ - model.intercept_
        r -= r.mean()
        scale = min(1.0, alpha * n / float(np.abs(X.T @ r).max()))
        primal = 0.5 * float(r @ r) / n + alpha * float(np.abs(model.coef_).sum())
        centred = y - y.mean()
        away = centred - scale * r
        dual = 0.5 * (float(centred @ centred) - float(away @ away)) / n
        return (primal - dual) / (0.5 * float(centred @ centred) / n)

    def make(**given: Any) -> Lasso:
        return Lasso(alpha=alpha, tol=GAP, **given)

    return Kind(_estimator(make, X, y), gap, 1.01 * GAP)


def _ratings(size: float) -> sp.csr_array:
    rng = np.random.default_rng(1)
    n, m = int(3_000 * size), int(2_000 * size)
    R = sp.random_array((n, m), density=0.03, format="csr", rng=rng)
    users, items = R.nonzero()
    W, H = rng.normal(size=(n, 8)), rng.normal(size=(m, 8))
    R.data = np.clip(np.rint(3.0 + (W[users] * H[items]).sum(axis=1) / 3.0), 1.0, 5.0)
    return R


def factorization(size: float, solver: str) -> Kind:
    """Return a factorisation of ratings; its value is the root mean square error of them."""
    R = _ratings(size)
    users, items = R.nonzero()

    def error(model: Any) -> float:
        return float(np.sqrt(np.mean((model.predict_ratings(users, items) - R.data) ** 2)))

    def make(**given: Any) -> MatrixFactorization:
        return MatrixFactorization(16, solver=solver, max_iter=40, tol=0.0, random_state=0, **given)

    return Kind(_estimator(make, R), error)


def implicit(size: float) -> Kind:
    """Return a factorisation of implicit feedback; its value is the objective."""
    R = _ratings(size)

    def make(**given: Any) -> ImplicitFactorization:
        return ImplicitFactorization(16, max_iter=30, random_state=0, **given)

    return Kind(_estimator(make, R), lambda model: float(model.history_[-1]["objective"]))


def nmf(size: float) -> Kind:
    """Return a non-negative factorisation; its value is the Frobenius norm of what is left."""
    R = _ratings(size)

    def left(model: Any) -> float:
        W, H = model.transform(R), model.components_
        whole = float((R.data**2).sum()) - 2.0 * float((W * (R @ H.T)).sum())
        return float(np.sqrt(whole + float(((W.T @ W) * (H @ H.T)).sum())))

    def make(**given: Any) -> NMF:
        return NMF(10, max_iter=100, tol=0.0, random_state=0, **given)

    return Kind(_estimator(make, R), left)


def topics(size: float) -> Kind:
    """Return topics of a corpus; its value is the perplexity, or infinite if tokens are lost."""
    rng = np.random.default_rng(2)
    documents, words = int(1_500 * size), int(3_000 * size)
    mixed = rng.dirichlet(np.full(10, 0.1), documents) @ rng.dirichlet(np.full(words, 0.05), 10)
    counts = sp.csr_array(rng.poisson(80.0 * mixed))

    def perplexity(model: Any) -> float:
        if not np.array_equal(model.topic_counts_.sum(axis=1), counts.sum(axis=0)):
            return np.inf
        return float(model.perplexity(counts))

    def make(**given: Any) -> LatentDirichletAllocation:
        return LatentDirichletAllocation(10, max_iter=100, random_state=0, **given)

    return Kind(_estimator(make, counts), perplexity, worse=WORSE_TOPICS)


def own_program(size: float) -> Kind:
    """Return the program of ``examples/own_program.py``; its value is the KKT residual."""
    from examples.own_program import NNLS

    rng = np.random.default_rng(3)
    n, p = int(3_000 * size), int(2_000 * size)
    A = sp.random_array((n, p), density=0.01, format="csc", rng=rng)
    b = A @ np.maximum(rng.normal(size=p), 0.0) + 0.1 * rng.normal(size=n)
    start = float((A.T @ b).max())

    def fit(instruments: list[Instrument]) -> tuple[Any, dict[str, Any]]:
        result = run(
            NNLS(A=A, b=b), workers=WORKERS, executor="processes", tol=0.1 * RESIDUAL * start,
            epochs=5_000, instruments=instruments,
        )  # fmt: skip
        return result, result.statistics

    def residual(result: Any) -> float:
        w = result.state["w"]
        gradient = A.T @ (b - A @ w)
        held = float(np.abs(gradient[w > 0.0]).max(initial=0.0))
        return max(float(gradient.max()), held, -start * float(w.min())) / start

    return Kind(fit, residual, RESIDUAL)


KINDS: dict[str, Callable[[float], Kind]] = {
    "lasso": lasso,
    "als": lambda size: factorization(size, "als"),
    "ccd": lambda size: factorization(size, "ccd"),
    "sgd": lambda size: factorization(size, "sgd"),
    "implicit": implicit,
    "nmf": nmf,
    "topics": topics,
    "own program": own_program,
}


def kinds(size: float, names: Iterable[str] = KINDS) -> dict[str, Kind]:
    """Return fits by name, by default all; `size` scales their data."""
    return {name: KINDS[name](size) for name in names}

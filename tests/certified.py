"""Lasso and elastic-net problems of all scales, and their judge in extended precision."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from hypothesis import settings
from hypothesis import strategies as st
from regressions import JIT
from sklearn.exceptions import ConvergenceWarning

from strads import ElasticNet, NotCertifiedWarning

LONG = np.longdouble
#: By so much gaps may differ because residuals are rounded differently, at α ≥ α_max / 1,000.
DIFFERENT = 1e-11
#: 12 examples in an ordinary run, 2,000 in a nightly one.
FEW = settings(max_examples=max(12, settings.default.max_examples // 100 * 100))


@dataclass(repr=False)
class Case:
    """A problem and how to solve it."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    alpha: float
    intercept: bool
    positive: bool
    l1_ratio: float = 1.0

    def __repr__(self) -> str:
        """In a line: what it takes to recognise a case."""
        return (
            f"Case({type(self.X).__name__} {self.X.dtype} {self.X.shape}, "
            f"|X| ≤ {abs(self.X).max():.1e}, |y| ≤ {np.abs(self.y).max():.1e}, "
            f"alpha {self.alpha:.1e}, l1_ratio {self.l1_ratio:.1e}, "
            f"intercept {self.intercept}, positive {self.positive}, "
            f"weights {None if self.weights is None else self.weights.max()})"
        )

    def model(self, **options) -> Any:
        """Return an estimator that has not been fitted."""
        return ElasticNet(
            self.alpha, l1_ratio=self.l1_ratio, fit_intercept=self.intercept,
            positive=self.positive, n_workers=1, **options,
        )  # fmt: skip

    def fit(self, **options):
        """Return a fitted model and the categories of its warnings."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if not JIT:  # kernels that are interpreted warn of what they notice themselves
                warnings.simplefilter("ignore", RuntimeWarning)
            model = self.model(**options).fit(self.X, self.y, sample_weight=self.weights)
        return model, [warning.category for warning in caught]

    def true_gap(self, model) -> float:
        """Relative duality gap of the weights and the intercept that were returned.

        The dual point is a multiple of the residual. The certificate's is one of the residual in
        double precision: as good a point, but not the same.
        """
        X, y, weight = self._long()
        n = weight.sum()
        if self.intercept:
            X, y = centred(X, weight), centred(y, weight)
        w = model.coef_.astype(LONG)
        r = y - X @ w
        alpha, beta = LONG(self.alpha * self.l1_ratio), LONG(self.alpha * (1.0 - self.l1_ratio))
        shrunk = n * beta * w
        r2, ry = (weight * r) @ r + shrunk @ w, (weight * r) @ y
        primal = r2 / (2 * n) + alpha * np.abs(w).sum()
        if self.intercept:  # what a wrong intercept adds
            raw = self.y.astype(LONG) - self._long()[0] @ w
            primal += ((weight * raw).sum() / n - LONG(model.intercept_)) ** 2 / 2
        scores = X.T @ (weight * r) - shrunk
        largest = max(scores.max() if self.positive else np.abs(scores).max(), LONG(0))
        bound = n * alpha / largest if largest > 0 else LONG(np.inf)
        scale = np.clip(ry / r2, 0, bound) if r2 > 0 else LONG(0)
        dual = (scale * ry - scale * scale * r2 / 2) / n
        at_zero = (weight * y) @ y / (2 * n)
        if at_zero == 0:
            return 0.0 if primal == dual else np.inf
        return float((primal - dual) / at_zero)

    def mixed(self, share: float) -> Self:
        """Add a squared L2 penalty, as a share of the largest squared column, if numbers allow."""
        X, _, weight = self._long()
        beta = share * float(np.max(weight @ np.square(X)) / weight.sum())
        alpha = self.alpha + beta
        if 1e-300 < alpha < 1e300 and self.alpha / alpha > 1e-12:
            self.alpha, self.l1_ratio = alpha, self.alpha / alpha
        return self

    def strength(self, ratio: float) -> float:
        """Smallest penalty without any weights, divided by `ratio`, in the range of a float."""
        X, y, weight = self._long()
        if self.intercept:
            X, y = centred(X, weight), centred(y, weight)
        largest = np.abs(X.T @ (weight * y)).max() / weight.sum() / ratio
        return float(np.clip(largest, LONG(1e-300), LONG(1e300)))

    def _long(self):
        dense = self.X.toarray() if sp.issparse(self.X) else self.X
        weight = np.ones(len(self.y)) if self.weights is None else self.weights
        weight = weight.astype(LONG)
        return dense.astype(LONG), self.y.astype(LONG), weight / weight.max()


def examined(case: Case, tol: float = 1e-6, most: int = 500) -> tuple[str, list[str]]:
    """Fit a case; return the verdict, and what is wrong with what the model says of itself."""
    model, warned = case.fit(tol=tol, max_iter=most)
    true = case.true_gap(model)
    expected = {"certified": [], "precision": [NotCertifiedWarning]}
    checks = {
        f"says {model.dual_gap_}, is {true}": model.dual_gap_ >= true * (1.0 - 1e-9) - DIFFERENT,
        "certified beyond tol": model.certified_ == (model.dual_gap_ <= tol),
        "verdict": model.certified_ == (model.verdict_ == "certified"),
        f"warned {warned}": warned == expected.get(model.verdict_, [ConvergenceWarning]),
        "budget": model.verdict_ != "max_iter" or model.n_iter_ >= most,
        "not finite": bool(
            np.all(np.isfinite(model.coef_)) and np.all(np.isfinite(model.intercept_))
        ),
    }
    return model.verdict_, [what for what, right in checks.items() if not right]


def centred(values, weight):
    """Two passes in extended precision; what is constant becomes zero, exactly."""
    values = values - values[np.argmax(weight)]
    values = np.where(weight.reshape(-1, *[1] * (values.ndim - 1)) > 0, values, 0)
    for _ in range(2):
        values = values - (weight @ values) / weight.sum()
    return values


@st.composite
def cases(draw) -> Case:
    """Draw a problem."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.integers(4, 60)), draw(st.integers(1, 12))
    single, unit = draw(st.booleans()), draw(st.booleans())
    reach = draw(st.sampled_from([5, 30])) if single else 160
    spread = rng.normal(size=(n, p))
    if draw(st.booleans()):
        spread *= 10.0 ** rng.uniform(-3, 3, size=p)  # raw columns
    far = rng.random(p) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    deviation = spread.std(axis=0)
    X = spread + far * deviation * 10.0 ** rng.uniform(0, 9, size=p)
    X = np.where((rng.random((n, p)) < rng.choice([0.2, 0.8, 1.0])) | far, X, 0.0)
    target = spread @ np.where(rng.random(p) < 0.5, rng.normal(size=p), 0.0) / deviation.max()
    y = target + 0.1 * rng.normal(size=n) + rng.choice([0.0, 3.0, 1e6])
    if unit:
        X = X / np.maximum(np.linalg.norm(X, axis=0), 1e-300)
    scale = draw(st.floats(-reach, reach))
    X = X * 10.0**scale
    # Beyond this the weights leave the range of single precision, and nothing can be certified.
    reach = draw(st.sampled_from([5, 160])) if single else 160
    # The penalty, which goes with both, is to stay a number.
    y = y * 10.0 ** np.clip(draw(st.floats(-reach, reach)), -280 - scale, 280 - scale)
    if single:  # it has a range of its own
        X = X / max(1.0, np.abs(X).max() / 1e37)
    X = X.astype(np.float32 if single else np.float64)
    weights = draw(st.sampled_from([None, "random", "zeros"]))
    if weights is not None:
        kind, weights = weights, rng.random(n) + 0.01
        if kind == "zeros":
            weights[rng.random(n) < 0.3] = 0.0
            weights[0] = 1.0
        weights *= 10.0 ** rng.choice([0, -305, 160, 300])
    intercept, positive = draw(st.booleans()), draw(st.booleans())
    form = draw(st.sampled_from(["C", "F", "csc", "csr"]))
    given = {
        "C": np.ascontiguousarray, "F": np.asfortranarray, "csc": sp.csc_array, "csr": sp.csr_array
    }[form](X)  # fmt: skip
    case = Case(given, y, weights, 1.0, intercept, positive)
    case.alpha = case.strength(draw(st.sampled_from([0.5, 2.0, 10.0, 1000.0])))
    return case.mixed(draw(st.sampled_from([0.0, 0.0, 1e-3, 1.0])))

"""Features of skglm that take more than a line to try."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import skglm
from claims import absent, lacks, refused
from judged import (
    ALPHA,
    FACTORS,
    LISTS,
    REPEATED,
    X,
    Y,
    classes,
    cox,
    labels,
    lowest,
    often,
    one_hot,
    quantile,
    signs,
    solved,
    y,
)
from numba import float64
from skglm import GeneralizedLinearEstimator, GeneralizedLinearEstimatorCV
from skglm.datafits import (
    Logistic,
    LogisticGroup,
    WeightedQuadratic,
)
from skglm.datafits.base import BaseDatafit
from skglm.experimental import SmoothQuantileRegressor
from skglm.penalties import L1, WeightedGroupL2
from skglm.penalties.base import BasePenalty
from skglm.solvers import AndersonCD, GroupProxNewton, ProxNewton
from skglm.utils.data import grp_converter
from sklearn.linear_model import QuantileRegressor

from strads import MCP as MCPHere
from strads import SCAD as SCADHere


class Expectile(BaseDatafit):
    """Squared errors, of which those above the prediction weigh four times as much."""

    def get_spec(self) -> Any:
        return (("above", float64),)

    def params_to_dict(self) -> dict[str, float]:
        return {"above": 0.8}

    def __init__(self, above):  # types are those of get_spec: the class is compiled
        self.above = above

    def initialize(self, X, y):
        pass

    def get_lipschitz(self, X, y):
        lipschitz = np.zeros(X.shape[1], dtype=X.dtype)
        for j in range(X.shape[1]):
            lipschitz[j] = self.above * (X[:, j] ** 2).sum() / len(y)
        return lipschitz

    def raw_grad(self, y, Xw):
        return np.where(y > Xw, self.above, 1.0 - self.above) * (Xw - y) / len(y)

    def value(self, y, w, Xw):
        weight = np.where(y > Xw, self.above, 1.0 - self.above)
        return np.sum(weight * (y - Xw) ** 2) / (2 * len(y))

    def gradient_scalar(self, X, y, w, Xw, j):
        return X[:, j] @ self.raw_grad(y, Xw)

    def gradient(self, X, y, Xw):
        return X.T @ self.raw_grad(y, Xw)

    def intercept_update_step(self, y, Xw):
        return np.sum(self.raw_grad(y, Xw)) / self.above


class LogSum(BasePenalty):
    """The penalty alpha·log(1 + |w|)."""

    def get_spec(self) -> Any:
        return (("alpha", float64),)

    def params_to_dict(self) -> dict[str, float]:
        return {"alpha": self.alpha}

    def __init__(self, alpha):
        self.alpha = alpha

    def value(self, w):
        return self.alpha * np.sum(np.log(1.0 + np.abs(w)))

    def prox_1d(self, value, stepsize, j):
        # The larger root of the derivative of (x − v)² / 2 + s·log(1 + x), or zero.
        v, s = np.abs(value), self.alpha * stepsize
        inside = (v + 1.0) ** 2 - 4.0 * s
        if inside < 0.0:
            return 0.0
        x = (v - 1.0 + np.sqrt(inside)) / 2.0
        if x <= 0.0 or (x - v) ** 2 / 2.0 + s * np.log(1.0 + x) > v**2 / 2.0:
            return 0.0
        return np.sign(value) * x

    def subdiff_distance(self, w, grad, ws):
        distance = np.zeros_like(grad)
        for i, j in enumerate(ws):
            slope = self.alpha / (1.0 + np.abs(w[j]))
            if w[j] == 0.0:
                distance[i] = max(0.0, np.abs(grad[i]) - slope)
            else:
                distance[i] = np.abs(grad[i] + np.sign(w[j]) * slope)
        return distance

    def is_penalized(self, n_features):
        return np.ones(n_features, dtype=np.bool_)

    def generalized_support(self, w):
        return w != 0


TOL: dict[str, Any] = {"tol": 1e-9}
lasso = partial(skglm.Lasso, ALPHA, **TOL)
enet = partial(skglm.ElasticNet, ALPHA, 0.5, **TOL)
weighted = partial(skglm.WeightedLasso, ALPHA, **TOL)
group = partial(skglm.GroupLasso, alpha=ALPHA, **TOL)
tasks = partial(skglm.MultiTaskLasso, ALPHA, **TOL)
mcp = partial(skglm.MCPRegression, ALPHA, 3.0, **TOL)
logistic = partial(skglm.SparseLogisticRegression, ALPHA, max_iter=100, **TOL)
svc = partial(skglm.LinearSVC, max_iter=1000, **TOL)
HALVES = FACTORS + 0.5
OF_MCP, OF_SCAD = (partial(one.slope, alpha=ALPHA) for one in (MCPHere(), SCADHere()))


def descent(**options: Any) -> Any:
    return AndersonCD(max_iter=500, **TOL, **options)


def newton(**options: Any) -> Any:
    return ProxNewton(max_iter=100, **TOL, **options)


def general(datafit: Any, penalty: Any, solver: Any = None, to: np.ndarray = y) -> Any:
    """Return a fitted estimator of a loss and a penalty."""
    return GeneralizedLinearEstimator(datafit, penalty, solver or descent()).fit(X, to)


def groups_of_classes() -> None:
    members, starts = grp_converter(LISTS, X.shape[1])
    penalty = WeightedGroupL2(ALPHA / 2, np.ones(len(LISTS)), starts, members)
    solver = GroupProxNewton(max_iter=100, fit_intercept=True, **TOL)
    model = general(LogisticGroup(starts, members), penalty, solver, signs)
    found = model.coef_.ravel(), model.intercept_
    solved(found, labels, loss="logistic", groups=LISTS, alpha=ALPHA / 2)


def survival() -> None:
    times = np.column_stack([np.exp(y), np.ones(len(y))])
    lowest(cox, skglm.CoxEstimator(alpha=ALPHA / 2, l1_ratio=1.0, **TOL).fit(X, times).coef_)


def nearly_quantiles() -> None:
    """A smoothed loss, whose optimum is near that of the quantile loss."""
    models = (SmoothQuantileRegressor(0.7, ALPHA), QuantileRegressor(quantile=0.7, alpha=ALPHA))
    near, best = (
        quantile(np.append(model.coef_, model.intercept_))
        for model in (one.fit(X, y) for one in models)
    )
    assert best < near < 1.001 * best


def no_intercepts() -> None:
    """Of several classes, intercepts are fitted and then lost."""
    many = partial(skglm.SparseLogisticRegression, ALPHA / 2, max_iter=100, **TOL)
    given: dict[str, Any] = {"loss": "logistic", "alpha": ALPHA / 2}
    refused("intercepts", lambda: solved(many().fit(X, classes), one_hot(classes), **given))()
    solved(many(fit_intercept=False).fit(X, classes), one_hot(classes), free=False, **given)


def paths() -> None:
    for model, share in ((lasso(), 1.0), (enet(), 0.5)):
        alphas, coefs = model.path(X, y, np.array([0.2, 0.1]))[:2]
        for k, alpha in enumerate(alphas):
            solved((coefs[:-1, k], coefs[-1, k]), y, alpha=alpha, l1_ratio=share)


def path_of_classes() -> None:
    alphas, coefs = descent().path(X, signs, Logistic(), L1(ALPHA), np.array([0.1, 0.05]))[:2]
    for k, alpha in enumerate(alphas):
        solved((coefs[:-1, k], coefs[-1, k]), labels, loss="logistic", alpha=alpha)


def chosen(datafit: Any, penalty: Any, solver: Any, to: np.ndarray, **given: Any) -> Any:
    """Return a check of a penalty that cross-validation chooses."""

    def check() -> None:
        model = GeneralizedLinearEstimatorCV(
            datafit, penalty, solver, alphas=[0.1, 0.05], l1_ratio=[given.get("l1_ratio", 1.0)],
            cv=3, random_state=0,
        ).fit(X, to)  # fmt: skip
        assert model.alpha_ == model.alphas_[model.scores_path_.mean(axis=1).argmax()]
        solved(model, to, alpha=model.alpha_, **given)

    return check


def single_precision() -> None:
    X32 = np.asfortranarray(X, dtype=np.float32)
    for model in (lasso(tol=1e-5), group(LISTS, tol=1e-5)):
        assert model.fit(X32, y).coef_.dtype == np.float32
    assert logistic(tol=1e-5).fit(X32, labels).coef_.dtype == np.float64
    refused("TypingError", lambda: tasks(tol=1e-5).fit(X32, Y))()


def warm_start() -> None:
    for model, target in ((lasso, y), (mcp, y), (logistic, labels), (svc, labels)):
        model = model(warm_start=True)
        assert model.fit(X, target).n_iter_ > model.fit(X, target).n_iter_ == 0
    again = tasks(warm_start=True, max_iter=1, max_epochs=11)
    np.testing.assert_array_equal(again.fit(X, Y).coef_.copy(), again.fit(X, Y).coef_)


def weighted_samples() -> None:
    """A loss has the weights: `fit` does not take them."""
    model = general(WeightedQuadratic(often.astype(float)), L1(ALPHA))
    solved(model, y[REPEATED], X=X[REPEATED])
    lacks(skglm.Lasso.fit, skglm.SparseLogisticRegression.fit, "sample_weight")()
    absent(skglm.datafits, "weightedlogistic", "weightedhuber", "weightedpoisson")()


def lacks_gap(model: Any) -> None:
    assert not [name for name in vars(model) if "gap" in name]

"""Features of scikit-learn that take more than a line to try."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import sklearn.linear_model as linear
from claims import lacks
from judged import (
    ALPHA,
    REPEATED,
    TRIPLED,
    C,
    X,
    Y,
    centred,
    classes,
    far,
    labels,
    lowest,
    often,
    one_hot,
    quantile,
    solved,
    true_gap,
    y,
)
from sklearn.base import clone
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    QuantileRegressor,
    SGDRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC, LinearSVR

EXACT: dict[str, Any] = {"tol": 1e-10, "max_iter": 10**5}
lasso = partial(Lasso, alpha=ALPHA, **EXACT)
enet = partial(ElasticNet, alpha=ALPHA, **EXACT)
logistic = partial(LogisticRegression, C=C, l1_ratio=1.0, solver="saga", **EXACT)
by_liblinear = partial(LogisticRegression, C=C, l1_ratio=1.0, solver="liblinear", **EXACT)
svc = partial(LinearSVC, **EXACT)
svr = partial(LinearSVR, epsilon=0.2, **EXACT)


def by_gradients() -> None:
    """Stochastic gradients come near the least objective."""
    from strads import GeneralizedLinearRegressor, HuberLoss

    model = SGDRegressor("huber", penalty="l1", alpha=ALPHA, epsilon=0.3, max_iter=2000, tol=None,
                         random_state=0).fit(X, y)  # fmt: skip
    best = GeneralizedLinearRegressor(HuberLoss(0.3), alpha=ALPHA, n_workers=1).fit(X, y)
    of_both = [
        HuberLoss(0.3).value(one.predict(X), y).mean() + ALPHA * np.abs(one.coef_).sum()
        for one in (model, best)
    ]
    assert of_both[1] <= of_both[0] <= 1.02 * of_both[1]


def squared(kind: Any, loss: str, target: np.ndarray) -> Any:
    """Return a check that a model with a loss has an L2 penalty, and no other."""

    def check() -> None:
        lacks(kind, "l1_ratio", "penalty")()
        solved(kind(alpha=ALPHA, tol=1e-8).fit(X, target), target, loss=loss, l1_ratio=0.0)

    return check


def one_against_others() -> None:
    model = OneVsRestClassifier(logistic(C=2 * C)).fit(X, classes)
    parts = model.estimators_
    coef = np.vstack([part.coef_ for part in parts])
    intercept = np.ravel([part.intercept_ for part in parts])
    solved((coef, intercept), one_hot(classes), loss="logistic", alpha=ALPHA / 2)


def with_intercept(model: Any) -> np.ndarray:
    return np.column_stack([model.coef_, model.intercept_])


def quantiles() -> None:
    model = QuantileRegressor(quantile=0.7, alpha=ALPHA).fit(X, y)
    lowest(quantile, np.append(model.coef_, model.intercept_))


def paths() -> None:
    Xc, yc = centred(X), centred(y)
    for share in (1.0, 0.5):
        alphas, coefs, _ = linear.enet_path(Xc, yc, l1_ratio=share, alphas=[0.2, 0.1], **EXACT)
        for k, alpha in enumerate(alphas):
            solved((coefs[:, k], 0.0), yc, alpha=alpha, X=Xc, l1_ratio=share)


def cross_validation() -> None:
    for model, share in ((LassoCV, 1.0), (ElasticNetCV, 0.5)):
        model = model(alphas=4, eps=0.01, cv=3, **EXACT).fit(X, y)
        assert model.alpha_ == model.alphas_[model.mse_path_.mean(axis=1).argmin()]
        solved(model, alpha=model.alpha_, l1_ratio=share)


def cross_validation_of_tasks() -> None:
    for model, share in ((MultiTaskLassoCV, 1.0), (MultiTaskElasticNetCV, 0.5)):
        model = model(alphas=3, eps=0.05, cv=3, **EXACT).fit(X, Y)
        solved(model, Y, alpha=model.alpha_, l1_ratio=share, together=True)


def searched() -> LogisticRegressionCV:
    """Return a model of which cross-validation is to choose C."""
    return LogisticRegressionCV(
        Cs=[C, 5 * C], l1_ratios=[1.0], solver="saga", cv=3, use_legacy_attributes=False, **EXACT
    )


def cross_validation_of_classes() -> None:
    model = searched().fit(X, labels)
    solved(model, labels, loss="logistic", alpha=ALPHA * C / model.C_)


def cross_validation_of_several_classes() -> None:
    model = searched().fit(X, classes)
    solved(model, one_hot(classes), loss="multinomial", alpha=ALPHA * C / model.C_)


def single_precision() -> None:
    X32 = X.astype(np.float32)
    assert lasso(tol=1e-6).fit(X32, y).coef_.dtype == np.float32
    assert logistic(tol=1e-4).fit(X32, labels).coef_.dtype == np.float32
    for model in (by_liblinear(), svc()):
        assert model.fit(X32, labels).coef_.dtype == np.float64


def sample_weight() -> None:
    for model, target in (
        (lasso(), y), (MultiTaskLasso(ALPHA, **EXACT), Y), (logistic(), labels), (svc(), labels)
    ):  # fmt: skip
        first = clone(model).fit(X, target, sample_weight=often).coef_
        other = clone(model).fit(X[REPEATED], target[REPEATED]).coef_
        np.testing.assert_allclose(first, other, atol=1e-3)


def class_weight() -> None:
    given = {"C": 1 / (len(TRIPLED) * ALPHA), "class_weight": {0: 1.0, 1: 3.0}}
    solved(logistic(**given).fit(X, labels), labels[TRIPLED], loss="logistic", X=X[TRIPLED])


def warm_start() -> None:
    for model, target in (
        (lasso(warm_start=True), y), (LogisticRegression(C=C, warm_start=True), labels)
    ):  # fmt: skip
        assert np.max(model.fit(X, target).n_iter_) > 2 * np.max(model.fit(X, target).n_iter_)
    for other in (logistic, by_liblinear):
        model = other(warm_start=True, random_state=0)
        assert 0.9 * model.fit(X, labels).n_iter_[0] <= model.fit(X, labels).n_iter_[0]
    lacks(LinearSVC, "warm_start")()


def gaps() -> None:
    for model, target in ((lasso(), y), (enet(), y), (MultiTaskLasso(ALPHA, **EXACT), Y)):
        assert model.fit(X, target).dual_gap_ <= 1e-8
    for other in (logistic(), svc()):
        assert not hasattr(other.fit(X, labels), "dual_gap_")


def bound_misses() -> None:
    """In single precision far from zero, the true gap is many times the attribute."""
    X32, y32 = far()
    model = Lasso(ALPHA, tol=1e-6).fit(X32, y32)
    true, at_zero = true_gap(model, X32, y32)
    assert 0.0 <= model.dual_gap_ / at_zero < true / 10


def jobs_only_share_folds() -> None:
    lacks(Lasso, LinearSVC, MultiTaskLasso, "n_jobs")()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logistic(n_jobs=2, tol=1e-3).fit(X, labels)
    assert any("no effect" in str(one.message) for one in caught)
    assert LassoCV(n_jobs=2, alphas=2, cv=2).fit(X, y).mse_path_.shape == (2, 2)


def callbacks() -> None:
    lacks(Lasso, LinearSVC, "callbacks", "set_callbacks")()
    seen: list[str] = []

    class Ends:
        def setup(self, estimator: Any, context: Any) -> None: ...
        def teardown(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_begin(self, estimator: Any, context: Any, **given: Any) -> None: ...
        def on_fit_task_end(self, estimator: Any, context: Any, **given: Any) -> bool:
            seen.append(context.task_name)
            return True

    LogisticRegression(C=C).set_callbacks(Ends()).fit(X, labels)
    assert "lbfgs-iter" in seen
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logistic().set_callbacks(Ends())
    assert any("only supported" in str(one.message) for one in caught)


def search() -> None:
    assert clone(lasso()).set_params(alpha=0.5).alpha == 0.5

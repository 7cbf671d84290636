"""The column of celer."""

from __future__ import annotations

from functools import partial
from typing import Any

import celer
import numpy as np
from celer.homotopy import celer_path, mtl_path
from claims import Claim, absent, lacks, no, no_command, refused, says, shares, yes
from judged import (
    ALPHA,
    FACTORS,
    LISTS,
    REPEATED,
    SIZES,
    C,
    S,
    X,
    Y,
    centred,
    classes,
    far,
    labels,
    of_words,
    often,
    one_hot,
    signs,
    solved,
    true_gap,
    wide,
    y,
)
from sklearn.base import clone

DISTRIBUTION = "celer"
lasso = partial(celer.Lasso, alpha=ALPHA, tol=1e-10)
enet = partial(celer.ElasticNet, alpha=ALPHA, l1_ratio=0.5, tol=1e-10)
group = partial(celer.GroupLasso, alpha=ALPHA, tol=1e-10)
logistic = partial(celer.LogisticRegression, C=1 / ALPHA, tol=1e-10)
HALVES = FACTORS + 0.5


def weighted_squares() -> None:
    """The factors are those of the squares, too."""
    model = enet(weights=HALVES).fit(X, y)
    w = model.coef_
    rest = ALPHA / 2 * (HALVES - 1.0) * w
    g = X.T @ (X @ w + model.intercept_ - y) / len(y) + ALPHA / 2 * w + rest
    kept = w != 0.0
    assert kept.sum() > 2
    np.testing.assert_allclose(g[kept], -(ALPHA / 2 * HALVES * np.sign(w))[kept], atol=1e-6)
    assert np.all(np.abs(g[~kept]) <= (ALPHA / 2 * HALVES)[~kept])


def multi_task() -> None:
    refused("_validate_data", lambda: celer.MultiTaskLasso(ALPHA).fit(X, Y))()
    Xc, Yc = centred(X), centred(Y)
    coefs = mtl_path(Xc, Yc, alphas=[ALPHA], tol=1e-10)[1]
    solved((coefs[:, :, 0], 0.0), Yc, together=True, X=Xc)


def paths() -> None:
    Xc, yc = centred(X), centred(y)
    for share in (1.0, 0.5):
        given = {"l1_ratio": share, "alphas": [0.2, 0.1], "tol": 1e-10}
        alphas, coefs, _ = celer_path(Xc, yc, "lasso", **given)
        for k, alpha in enumerate(alphas):
            solved((coefs[:, k], 0.0), yc, alpha=alpha, X=Xc, l1_ratio=share)


def path_of_classes() -> None:
    alphas, coefs, _ = celer_path(X, signs, "logreg", alphas=[6.0, 3.0], tol=1e-10)
    for k, alpha in enumerate(alphas):
        solved((coefs[:, k], 0.0), labels, loss="logistic", alpha=alpha / len(y), free=False)


def path_of_groups() -> None:
    Xc, yc = centred(X), centred(y)
    given = {"groups": LISTS, "alphas": [0.2, 0.1], "tol": 1e-10}
    alphas, coefs, _ = celer_path(Xc, yc, "grouplasso", **given)
    for k, alpha in enumerate(alphas):
        solved((coefs[:, k], 0.0), yc, alpha=alpha, X=Xc, groups=LISTS)


def single_precision() -> None:
    X32 = np.asfortranarray(X, dtype=np.float32)
    for model in (lasso(tol=1e-6), enet(tol=1e-6), group(LISTS, tol=1e-6)):
        assert model.fit(X32, y.astype(np.float32)).coef_.dtype == np.float32
    refused("dtype mismatch", lambda: logistic().fit(X32, labels))()


def sample_weight() -> None:
    for model in (lasso(), enet(), group(LISTS)):
        first = clone(model).fit(X, y, sample_weight=often).coef_
        other = clone(model).fit(X[REPEATED], y[REPEATED]).coef_
        np.testing.assert_allclose(first, other, atol=1e-6)
    lacks(celer.LogisticRegression.fit, "sample_weight")()


def warm_start() -> None:
    for model in (lasso(warm_start=True), group(LISTS, warm_start=True)):
        assert model.fit(X, y).n_iter_ >= 2
        assert model.fit(X, y).n_iter_ == 1
    assert "Only False is supported" in str(celer.LogisticRegression.__doc__)


def gaps() -> None:
    for model in (lasso(), enet(), group(LISTS)):
        assert model.fit(X, y).dual_gap_ <= 1e-8
    assert not hasattr(logistic().fit(X, labels), "dual_gap_")


def bound_misses() -> None:
    """In single precision far from zero, the true gap is many times the attribute."""
    X32, y32 = far()
    model = lasso(tol=1e-6).fit(X32, y32)
    true, at_zero = true_gap(model, X32, y32)
    assert model.dual_gap_ / at_zero < true / 10


def folds(kind: Any, *given: Any) -> Any:
    """Return a check that a class which chooses the penalty fails."""
    return refused("'n_alphas'", lambda: kind(*given, cv=3).fit(X, y))


GROUPS = [[0], [1, 2], [3, 4, 5]]
PAIRS = [[0, 1], [2, 3], [4, 5]]
LOGISTIC = celer.LogisticRegression
LEAST_SQUARES = no(
    absent(celer, "huber", "poisson", "gamma", "cox", "quantile", "hinge", "svm", "svc", "svr"),
    lacks(celer.Lasso, celer.ElasticNet, celer.LogisticRegression, "loss", "datafit"),
    refused("unsupported problem", lambda: celer_path(X, y, "huber")),
)

CLAIMS: dict[str, Claim] = {
    # Least squares
    "Lasso": yes(lambda: solved(lasso().fit(X, y))),
    "elastic net": yes(lambda: solved(enet().fit(X, y), l1_ratio=0.5)),
    "weights of the features in the Lasso's penalty": yes(
        lambda: solved(lasso(weights=HALVES).fit(X, y), factors=HALVES)
    ),
    "… in that of the elastic net": says("in both parts", weighted_squares),
    "features without a penalty (weight 0)": no(
        refused("0 or negative weights", lambda: lasso(weights=FACTORS).fit(X, y))
    ),
    "weights ≥ 0 of the Lasso and the elastic net": yes(
        lambda: solved(lasso(positive=True).fit(X, y), positive=True),
        lambda: solved(enet(positive=True).fit(X, y), positive=True, l1_ratio=0.5),
    ),
    "several targets, a model for each": yes(lambda: solved(lasso().fit(X, Y), Y)),
    "multi-task Lasso": says("only `mtl_path` [1]", multi_task),
    "multi-task elastic net": no(
        absent(celer, "multitaskelastic"), lacks(celer.MultiTaskLasso, mtl_path, "l1_ratio")
    ),
    # Groups
    "group Lasso: groups by size, sizes or lists": yes(
        lambda: solved(group(2).fit(X, y), groups=PAIRS),
        lambda: solved(group(SIZES).fit(X, y), groups=GROUPS),
        lambda: solved(group(LISTS).fit(X, y), groups=LISTS),
    ),
    "weights of the groups in the penalty": yes(
        lambda: solved(group(LISTS, weights=HALVES[:3]).fit(X, y), groups=LISTS, factors=HALVES[:3])
    ),
    "groups without a penalty (weight 0)": no(
        refused("0 or negative weights", lambda: group(LISTS, weights=FACTORS[3:]).fit(X, y))
    ),
    "group Lasso with weights ≥ 0": no(lacks(celer.GroupLasso, "positive")),
    "group Lasso of several targets together": no(
        lambda: solved(group(LISTS).fit(X, Y), Y, groups=LISTS),  # a model for each
    ),
    **shares(
        "groups of features in logistic regression",
        "… in multinomial regression, of all classes together",
        claim=no(lacks(LOGISTIC, "groups"), absent(celer, "logisticgroup", "grouplog")),
    ),
    # Concave penalties
    **shares(
        "MCP",
        "SCAD",
        "a concave penalty of your own",
        "MCP with the logistic loss",
        "penalties of infinite slope at zero, such as the root",
        claim=no(
            absent(celer, "mcp", "scad", "concave"),
            lacks(celer.Lasso, celer.ElasticNet, celer_path, "penalty"),
            refused("only l1 penalty", lambda: logistic(penalty="mcp").fit(X, labels)),
        ),
    ),
    # Losses
    **shares(
        "Huber",
        "Poisson",
        "Gamma",
        "Cox (survival times)",
        "quantile",
        "squared hinge",
        "a loss of your own",
        "linear SVC, hinge",
        "linear SVC, squared hinge",
        "linear SVC of Crammer and Singer",
        "linear SVR, ε-insensitive",
        "linear SVR, squared",
        claim=LEAST_SQUARES,
    ),
    # Classification
    "logistic regression, L1, two classes": says(
        "without an intercept",
        lambda: solved(logistic(C=C).fit(X, labels), labels, loss="logistic", free=False),
        refused("intercept is not implement", lambda: logistic(fit_intercept=True).fit(X, labels)),
    ),
    "… with an elastic net's penalty": no(
        refused("mix of l1 and l2", lambda: celer_path(X, signs, "logreg", l1_ratio=0.5)),
        refused("only l1 penalty", lambda: logistic(penalty="elasticnet").fit(X, labels)),
    ),
    "… with weights ≥ 0": no(lacks(LOGISTIC, "positive")),
    "… of several classes, one against the others": says(
        "without an intercept",
        lambda: solved(
            logistic(C=2 * C).fit(X, classes),
            one_hot(classes),
            loss="logistic",
            alpha=ALPHA / 2,
            free=False,
        ),
    ),
    "… of several classes, multinomial": no(
        lacks(LOGISTIC, "multi_class"),
        refused(
            "features",
            lambda: solved(
                logistic(C=2 * C).fit(X, classes),
                one_hot(classes),
                loss="multinomial",
                alpha=ALPHA / 2,
                free=False,
            ),
        ),
    ),
    "labels of any type": yes(lambda: of_words(logistic())),
    "`class_weight`": no(lacks(LOGISTIC, "class_weight")),
    # Choosing the penalty
    "path of the Lasso and the elastic net": yes(paths),
    "path of L1 logistic regression": says("without an intercept", path_of_classes),
    "path of the group Lasso": yes(path_of_groups),
    "cross-validation of the Lasso and the elastic net": says(
        "no [1]", folds(celer.LassoCV), folds(celer.ElasticNetCV)
    ),
    "cross-validation of multi-task models": says("no [1]", folds(celer.MultiTaskLassoCV)),
    "cross-validation of the group Lasso": says("no [1]", folds(celer.GroupLassoCV, LISTS)),
    "cross-validation of L1 logistic regression": no(absent(celer, "logisticregressioncv")),
    "… of several classes together, multinomial": no(absent(celer, "logisticregressioncv")),
    "rule of one standard error": no(lacks(celer.LassoCV, celer.ElasticNetCV, "rule")),
    # Data
    "sparse X": yes(
        lambda: solved(lasso().fit(S, y)),
        lambda: solved(enet().fit(S, y), l1_ratio=0.5),
        lambda: solved(group(LISTS).fit(S, y), groups=LISTS),
        lambda: solved(logistic(C=C).fit(S, labels), labels, loss="logistic", free=False),
    ),
    "sparse X with 64-bit indices": no(
        refused("32-bit integer indices", lambda: lasso().fit(wide(), y))
    ),
    "float32 X, not converted to float64": says("least squares only", single_precision),
    "intercept without a penalty": says(
        "least squares only",
        lambda: solved(lasso().fit(X, y)),
        lambda: solved(group(LISTS).fit(X, y), groups=LISTS),
        refused("intercept is not implement", lambda: logistic(fit_intercept=True).fit(X, labels)),
    ),
    "`sample_weight`": says("least squares only", sample_weight),
    # Fits
    "a warm start saves iterations": says("least squares only", warm_start),
    "the duality gap is an attribute": says("least squares only", gaps),
    "… and bounds that of `coef_` in exact arithmetic": no(bound_misses),
    "several processes or threads in a fit": no(
        lacks(celer.Lasso, celer.GroupLasso, LOGISTIC, "n_jobs", "n_threads", "n_workers")
    ),
    "callbacks, which may end a fit": no(
        lacks(celer.Lasso, celer.Lasso.fit, LOGISTIC.fit, celer_path, "callback", "callbacks")
    ),
    "checkpoints, from which a run resumes": no(
        absent(celer, "checkpoint"), lacks(celer.Lasso.fit, celer_path, "resume_from")
    ),
    "model files without pickle": no(lacks(celer.Lasso, LOGISTIC, "save", "dump")),
    "a command line": no(no_command("celer")),
    "parameters for pipelines and searches": yes(
        lambda: clone(lasso()).set_params(alpha=0.5).fit(X, y)
    ),
}

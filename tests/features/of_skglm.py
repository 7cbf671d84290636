"""The column of skglm, whose classes are compiled for every kind of data."""

from __future__ import annotations

from functools import partial

import numpy as np
import skglm
from claims import Claim, absent, lacks, no, no_command, refused, says, shares, yes
from judged import (
    ALPHA,
    FACTORS,
    LISTS,
    SIZES,
    S,
    X,
    Y,
    counts,
    labels,
    of_words,
    separated,
    signs,
    solved,
    wide,
    y,
)
from own import LogSum as LogSumHere
from skglm import GeneralizedLinearEstimatorCV
from skglm.datafits import (
    Gamma,
    Huber,
    Logistic,
    Poisson,
    Quadratic,
    QuadraticMultiTask,
)
from skglm.penalties import L0_5, L1, L2_1, SCAD, L1_plus_L2, MCPenalty
from skglm.solvers import AndersonCD, MultiTaskBCD, ProxNewton
from skglm_fits import (
    HALVES,
    OF_MCP,
    OF_SCAD,
    Expectile,
    LogSum,
    chosen,
    descent,
    enet,
    general,
    group,
    groups_of_classes,
    lacks_gap,
    lasso,
    logistic,
    mcp,
    nearly_quantiles,
    newton,
    no_intercepts,
    path_of_classes,
    paths,
    single_precision,
    survival,
    svc,
    tasks,
    warm_start,
    weighted,
    weighted_samples,
)
from sklearn.base import clone

DISTRIBUTION = "skglm"

NO_SVR = no(absent(skglm, "svr"), absent(skglm.datafits, "insensitive", "svr"))

CLAIMS: dict[str, Claim] = {
    # Least squares
    "Lasso": yes(lambda: solved(lasso().fit(X, y))),
    "elastic net": yes(lambda: solved(enet().fit(X, y), l1_ratio=0.5)),
    "weights of the features in the Lasso's penalty": yes(
        lambda: solved(weighted(weights=HALVES).fit(X, y), factors=HALVES)
    ),
    "… in that of the elastic net": no(
        lacks(skglm.ElasticNet, L1_plus_L2, "weights"),
        absent(skglm.penalties, "weightedl1_plus", "weightedelastic"),
    ),
    "features without a penalty (weight 0)": yes(
        lambda: solved(weighted(weights=FACTORS).fit(X, y), factors=FACTORS)
    ),
    "weights ≥ 0 of the Lasso and the elastic net": yes(
        lambda: solved(lasso(positive=True).fit(X, y), positive=True),
        lambda: solved(enet(positive=True).fit(X, y), positive=True, l1_ratio=0.5),
    ),
    "several targets, a model for each": no(refused("Error", lambda: lasso().fit(X, Y))),
    "multi-task Lasso": yes(lambda: solved(tasks().fit(X, Y), Y, together=True)),
    "multi-task elastic net": no(
        absent(skglm, "multitaskelastic"),
        lacks(skglm.MultiTaskLasso, "l1_ratio"),
        absent(skglm.penalties, "l2_1_plus"),
    ),
    # Groups
    "group Lasso: groups by size, sizes or lists": yes(
        lambda: solved(group(2).fit(X, y), groups=[[0, 1], [2, 3], [4, 5]]),
        lambda: solved(group(SIZES).fit(X, y), groups=[[0], [1, 2], [3, 4, 5]]),
        lambda: solved(group(LISTS).fit(X, y), groups=LISTS),
    ),
    "weights of the groups in the penalty": yes(
        lambda: solved(group(LISTS, weights=HALVES[:3]).fit(X, y), groups=LISTS, factors=HALVES[:3])
    ),
    "groups without a penalty (weight 0)": yes(
        lambda: solved(
            group(LISTS, weights=FACTORS[3:]).fit(X, y), groups=LISTS, factors=FACTORS[3:]
        )
    ),
    "group Lasso with weights ≥ 0": yes(
        lambda: solved(group(LISTS, positive=True).fit(X, y), groups=LISTS, positive=True)
    ),
    "group Lasso of several targets together": no(refused("Error", lambda: group(LISTS).fit(X, Y))),
    "groups of features in logistic regression": yes(groups_of_classes),
    "… in multinomial regression, of all classes together": no(
        absent(skglm.datafits, "multinomial", "softmax")
    ),
    # Concave penalties
    "MCP": yes(lambda: solved(mcp().fit(X, y), slope=OF_MCP)),
    "SCAD": yes(lambda: solved(general(Quadratic(), SCAD(ALPHA, 3.7)), slope=OF_SCAD)),
    "a concave penalty of your own": yes(
        lambda: solved(
            general(Quadratic(), LogSum(ALPHA)), slope=partial(LogSumHere().slope, alpha=ALPHA)
        )
    ),
    "MCP with the logistic loss": yes(
        lambda: solved(
            general(Logistic(), MCPenalty(ALPHA, 3.0), to=labels),
            labels,
            loss="logistic",
            slope=OF_MCP,
        )
    ),
    "penalties of infinite slope at zero, such as the root": yes(
        lambda: solved(
            general(Quadratic(), L0_5(ALPHA)),
            slope=lambda size: ALPHA / 2 / np.sqrt(np.maximum(size, 1e-300)),
        )
    ),
    # Losses
    "Huber": yes(lambda: solved(general(Huber(0.3), L1(ALPHA)), loss="huber")),
    "Poisson": yes(
        lambda: solved(general(Poisson(), L1(ALPHA), newton(), counts), counts, loss="poisson")
    ),
    "Gamma": yes(
        lambda: solved(general(Gamma(), L1(ALPHA), newton(), counts + 1), counts + 1, loss="gamma")
    ),
    "Cox (survival times)": yes(survival),
    "quantile": says("experimental", nearly_quantiles),
    "squared hinge": no(absent(skglm.datafits, "hinge"), lacks(skglm.LinearSVC, "penalty", "loss")),
    "a loss of your own": yes(lambda: solved(general(Expectile(0.8), L1(ALPHA)), loss="expectile")),
    # Classification
    "logistic regression, L1, two classes": yes(
        lambda: solved(logistic().fit(X, labels), labels, loss="logistic")
    ),
    "… with an elastic net's penalty": yes(
        lambda: solved(logistic(l1_ratio=0.5).fit(X, labels), labels, loss="logistic", l1_ratio=0.5)
    ),
    "… with weights ≥ 0": yes(
        lambda: solved(
            general(Logistic(), L1(ALPHA, positive=True), newton(), labels),
            labels,
            loss="logistic",
            positive=True,
        )
    ),
    "… of several classes, one against the others": says("without an intercept", no_intercepts),
    "… of several classes, multinomial": no(
        lacks(skglm.SparseLogisticRegression, "multi_class"),
        absent(skglm.datafits, "multinomial", "softmax"),
    ),
    "linear SVC, hinge": says(
        "without an intercept",
        lambda: separated(svc().fit(X, labels), signs, loss="hinge", intercept="none"),
    ),
    "linear SVC, squared hinge": no(lacks(skglm.LinearSVC, "loss")),
    "linear SVC of Crammer and Singer": no(lacks(skglm.LinearSVC, "multi_class")),
    "linear SVR, ε-insensitive": NO_SVR,
    "linear SVR, squared": NO_SVR,
    "labels of any type": yes(lambda: of_words(logistic())),
    "`class_weight`": no(lacks(skglm.SparseLogisticRegression, skglm.LinearSVC, "class_weight")),
    # Choosing the penalty
    "path of the Lasso and the elastic net": yes(paths),
    "path of L1 logistic regression": yes(path_of_classes),
    "path of the group Lasso": no(lacks(skglm.GroupLasso, skglm.solvers.GroupBCD, "path")),
    "cross-validation of the Lasso and the elastic net": yes(
        chosen(Quadratic(), L1(ALPHA), descent(), y),
        chosen(Quadratic(), L1_plus_L2(ALPHA, 0.5), descent(), y, l1_ratio=0.5),
    ),
    "cross-validation of multi-task models": no(
        refused("inverse_link", chosen(QuadraticMultiTask(), L2_1(ALPHA), MultiTaskBCD(), Y))
    ),
    "cross-validation of the group Lasso": no(
        lacks(skglm.GroupLasso, "cv"), absent(skglm, "grouplassocv")
    ),
    "cross-validation of L1 logistic regression": yes(
        chosen(Logistic(), L1(ALPHA), newton(), labels, loss="logistic")
    ),
    "… of several classes together, multinomial": no(
        lacks(GeneralizedLinearEstimatorCV, "multi_class"),
        absent(skglm.datafits, "multinomial", "softmax"),
    ),
    "rule of one standard error": no(lacks(GeneralizedLinearEstimatorCV, "rule")),
    # Data
    "sparse X": yes(
        lambda: solved(lasso().fit(S, y)),
        lambda: solved(group(LISTS).fit(S, y), groups=LISTS),
        lambda: solved(tasks().fit(S, Y), Y, together=True),
        lambda: solved(logistic().fit(S, labels), labels, loss="logistic"),
    ),
    "sparse X with 64-bit indices": no(
        refused("32-bit integer indices", lambda: lasso().fit(wide(), y))
    ),
    "float32 X, not converted to float64": says("not for classes and tasks", single_precision),
    "intercept without a penalty": says(
        "not for SVMs and several classes",
        lambda: solved(lasso().fit(X, y)),
        lambda: solved(logistic().fit(X, labels), labels, loss="logistic"),
        no_intercepts,
    ),
    "`sample_weight`": says("least squares only", weighted_samples),
    # Fits
    "a warm start saves iterations": says("not of `MultiTaskLasso`", warm_start),
    **shares(
        "the duality gap is an attribute",
        "… and bounds that of `coef_` in exact arithmetic",
        claim=no(
            lambda: lacks_gap(lasso().fit(X, y)), lambda: lacks_gap(logistic().fit(X, labels))
        ),
    ),
    "several processes or threads in a fit": says(
        "only for the folds",
        lacks(skglm.Lasso, skglm.GroupLasso, skglm.SparseLogisticRegression, "n_jobs"),
        refused("AssertionError", lacks(GeneralizedLinearEstimatorCV, "n_jobs")),
    ),
    "callbacks, which may end a fit": no(
        lacks(skglm.Lasso, skglm.Lasso.fit, AndersonCD, ProxNewton, "callback", "callbacks")
    ),
    "checkpoints, from which a run resumes": no(
        absent(skglm, "checkpoint"), lacks(skglm.Lasso.fit, "resume_from")
    ),
    "model files without pickle": no(
        lacks(skglm.Lasso, skglm.SparseLogisticRegression, "save", "dump")
    ),
    "a command line": no(no_command("skglm")),
    "parameters for pipelines and searches": says(
        "not of `GeneralizedLinearEstimator`",
        lambda: clone(lasso()).set_params(alpha=0.5).fit(X, y),
        refused("unexpected keyword", lambda: clone(general(Quadratic(), L1(ALPHA)))),
    ),
}

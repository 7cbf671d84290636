"""The column of scikit-learn."""

from __future__ import annotations

import sklearn
import sklearn.linear_model as linear
from claims import Claim, absent, lacks, no, no_command, refused, says, shares, yes
from judged import (
    ALPHA,
    C,
    S,
    X,
    Y,
    classes,
    counts,
    crammer_singer,
    labels,
    lowest,
    of_words,
    one_hot,
    separated,
    signs,
    solved,
    wide,
    y,
)
from scikit_learn_fits import (
    EXACT,
    bound_misses,
    by_gradients,
    by_liblinear,
    callbacks,
    class_weight,
    cross_validation,
    cross_validation_of_classes,
    cross_validation_of_several_classes,
    cross_validation_of_tasks,
    enet,
    gaps,
    jobs_only_share_folds,
    lasso,
    logistic,
    one_against_others,
    paths,
    quantiles,
    sample_weight,
    search,
    single_precision,
    squared,
    svc,
    svr,
    warm_start,
    with_intercept,
)
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LassoCV,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskElasticNet,
    MultiTaskLasso,
    PoissonRegressor,
    SGDRegressor,
)
from sklearn.svm import LinearSVC

DISTRIBUTION = "scikit-learn"

NO_GROUPS = no(absent(linear, "group"), lacks(Lasso, LogisticRegression, "groups"))
NO_PENALTY = no(
    absent(linear, "mcp", "scad", "concave"),
    lacks(Lasso, ElasticNet, "penalty"),
    refused("penalty", lambda: SGDRegressor(penalty="mcp").fit(X, y)),
)

CLAIMS: dict[str, Claim] = {
    # Least squares
    "Lasso": yes(lambda: solved(lasso().fit(X, y))),
    "elastic net": yes(lambda: solved(enet().fit(X, y), l1_ratio=0.5)),
    **shares(
        "weights of the features in the Lasso's penalty",
        "… in that of the elastic net",
        "features without a penalty (weight 0)",
        claim=no(lacks(Lasso, Lasso.fit, ElasticNet, "weights", "penalty_factor")),
    ),
    "weights ≥ 0 of the Lasso and the elastic net": yes(
        lambda: solved(lasso(positive=True).fit(X, y), positive=True),
        lambda: solved(enet(positive=True).fit(X, y), positive=True, l1_ratio=0.5),
    ),
    "several targets, a model for each": yes(lambda: solved(lasso().fit(X, Y), Y)),
    "multi-task Lasso": yes(
        lambda: solved(MultiTaskLasso(ALPHA, **EXACT).fit(X, Y), Y, together=True)
    ),
    "multi-task elastic net": yes(
        lambda: solved(
            MultiTaskElasticNet(ALPHA, **EXACT).fit(X, Y), Y, together=True, l1_ratio=0.5
        )
    ),
    # Groups
    **shares(
        "group Lasso: groups by size, sizes or lists",
        "weights of the groups in the penalty",
        "groups without a penalty (weight 0)",
        "group Lasso with weights ≥ 0",
        "group Lasso of several targets together",
        "groups of features in logistic regression",
        "… in multinomial regression, of all classes together",
        "path of the group Lasso",
        "cross-validation of the group Lasso",
        claim=NO_GROUPS,
    ),
    # Concave penalties
    **shares(
        "MCP",
        "SCAD",
        "a concave penalty of your own",
        "MCP with the logistic loss",
        "penalties of infinite slope at zero, such as the root",
        claim=NO_PENALTY,
    ),
    # Losses
    "Huber": says(
        "by stochastic gradients", by_gradients, lacks(HuberRegressor, "l1_ratio", "penalty")
    ),
    "Poisson": says("L2 penalty only", squared(PoissonRegressor, "poisson", counts)),
    "Gamma": says("L2 penalty only", squared(GammaRegressor, "gamma", counts + 1.0)),
    "Cox (survival times)": no(absent(linear, "cox", "survival")),
    "quantile": yes(quantiles),
    "squared hinge": yes(
        lambda: solved(
            svc("l1", C=C, dual=False, fit_intercept=False).fit(X, labels),
            labels,
            loss="squared hinge",
            free=False,
        )
    ),
    "a loss of your own": no(
        lacks(Lasso, HuberRegressor, LogisticRegression, "loss"),
        refused("loss", lambda: SGDRegressor(loss=abs).fit(X, y)),
    ),
    # Classification
    "logistic regression, L1, two classes": yes(
        lambda: solved(logistic().fit(X, labels), labels, loss="logistic"),
        lambda: solved(
            by_liblinear(fit_intercept=False).fit(X, labels), labels, loss="logistic", free=False
        ),
    ),
    "… with an elastic net's penalty": yes(
        lambda: solved(logistic(l1_ratio=0.5).fit(X, labels), labels, loss="logistic", l1_ratio=0.5)
    ),
    "… with weights ≥ 0": no(lacks(LogisticRegression, "positive")),
    "… of several classes, one against the others": says(
        "with `OneVsRestClassifier`",
        one_against_others,
        refused("does not support multiclass", lambda: by_liblinear().fit(X, classes)),
    ),
    "… of several classes, multinomial": yes(
        lambda: solved(
            logistic(C=2 * C).fit(X, classes),
            one_hot(classes),
            loss="multinomial",
            alpha=ALPHA / 2,
        )
    ),
    "linear SVC, hinge": yes(
        lambda: separated(svc(loss="hinge").fit(X, labels), signs, loss="hinge")
    ),
    "linear SVC, squared hinge": yes(
        lambda: separated(svc().fit(X, labels), signs, loss="squared hinge")
    ),
    "linear SVC of Crammer and Singer": yes(
        lambda: lowest(
            crammer_singer, with_intercept(svc(multi_class="crammer_singer").fit(X, classes))
        )
    ),
    "linear SVR, ε-insensitive": yes(
        lambda: separated(svr().fit(X, y), y, loss="epsilon-insensitive")
    ),
    "linear SVR, squared": yes(
        lambda: separated(
            svr(loss="squared_epsilon_insensitive").fit(X, y),
            y,
            loss="squared epsilon-insensitive",
        )
    ),
    "labels of any type": yes(lambda: of_words(logistic())),
    "`class_weight`": yes(class_weight),
    # Choosing the penalty
    "path of the Lasso and the elastic net": yes(paths),
    "path of L1 logistic regression": no(
        absent(linear, "logistic_path", "logistic_regression_path")
    ),
    "cross-validation of the Lasso and the elastic net": yes(cross_validation),
    "cross-validation of multi-task models": yes(cross_validation_of_tasks),
    "cross-validation of L1 logistic regression": yes(cross_validation_of_classes),
    "… of several classes together, multinomial": yes(cross_validation_of_several_classes),
    "rule of one standard error": no(lacks(LassoCV, ElasticNetCV, LogisticRegressionCV, "rule")),
    # Data
    "sparse X": yes(
        lambda: solved(lasso().fit(S, y)),
        lambda: solved(MultiTaskLasso(ALPHA, **EXACT).fit(S, Y), Y, together=True),
        lambda: solved(logistic().fit(S, labels), labels, loss="logistic"),
        lambda: separated(svc().fit(S, labels), signs, loss="squared hinge"),
    ),
    "sparse X with 64-bit indices": no(
        refused("32-bit integer indices", lambda: lasso().fit(wide(), y))
    ),
    "float32 X, not converted to float64": says("not by liblinear's solvers", single_precision),
    "intercept without a penalty": says(
        "not by liblinear's solvers",
        lambda: solved(lasso().fit(X, y)),
        lambda: solved(logistic().fit(X, labels), labels, loss="logistic"),
        refused(
            "intercepts", lambda: solved(by_liblinear().fit(X, labels), labels, loss="logistic")
        ),
    ),
    "`sample_weight`": yes(sample_weight),
    # Fits
    "a warm start saves iterations": says("not for L1 classifiers and SVMs", warm_start),
    "the duality gap is an attribute": says("least squares only", gaps),
    "… and bounds that of `coef_` in exact arithmetic": no(bound_misses),
    "several processes or threads in a fit": says("only for the folds", jobs_only_share_folds),
    "callbacks, which may end a fit": says("logistic regression, L2 penalty", callbacks),
    "checkpoints, from which a run resumes": no(
        lacks(Lasso, Lasso.fit, LogisticRegression, LogisticRegression.fit, "resume_from"),
        absent(sklearn, "checkpoint"),
    ),
    "model files without pickle": no(lacks(Lasso, LogisticRegression, LinearSVC, "save", "dump")),
    "a command line": no(no_command("scikit-learn")),
    "parameters for pipelines and searches": yes(search),
}

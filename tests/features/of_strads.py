"""The column of this package: every feature is used in a tiny fit whose result is judged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import judged
import numpy as np
import strads_fits as uses
from claims import Claim, absent, lacks, no, refused, says, yes
from judged import (
    ALPHA,
    FACTORS,
    LISTS,
    SIZES,
    C,
    S,
    X,
    Y,
    classes,
    counts,
    labels,
    one_hot,
    separated,
    signs,
    solved,
    y,
)
from own import Expectile, LogSum, Root

import strads
from strads import (
    MCP,
    SCAD,
    ElasticNet,
    GeneralizedLinearRegressor,
    GroupLasso,
    HuberLoss,
    Lasso,
    LinearSVC,
    LinearSVR,
    LogisticLoss,
    MultiTaskElasticNet,
    MultiTaskLasso,
    NonconvexRegressor,
    PoissonLoss,
    SparseLogisticRegression,
    SquaredHingeLoss,
)

#: What is asked of all fits. One worker suffices for six features.
EXACT: dict[str, Any] = {"tol": 1e-9, "n_workers": 1}


def fitted(
    kind: Callable[..., Any], *given: Any, data: Any = X, to: np.ndarray = y, **options: Any
) -> Any:
    """Return a fitted estimator, whose gap is certified if it has one."""
    model = kind(*given, **EXACT, **options).fit(data, to)
    assert model.verdict_ in ("certified", "stationary"), model.verdict_
    return model


lasso, enet = partial(fitted, Lasso, ALPHA), partial(fitted, ElasticNet, ALPHA)
group, concave = partial(fitted, GroupLasso, alpha=ALPHA), partial(fitted, NonconvexRegressor)
with_loss = partial(fitted, GeneralizedLinearRegressor, alpha=ALPHA)
logistic = partial(fitted, SparseLogisticRegression, to=labels)
multinomial = partial(
    fitted, SparseLogisticRegression, ALPHA / 2, multi_class="multinomial", to=classes
)
CONTIGUOUS = [[0], [1, 2], [3, 4, 5]]
PAIRS = [[0, 1], [2, 3], [4, 5]]

CLAIMS: dict[str, Claim] = {
    # Least squares
    "Lasso": yes(lambda: solved(lasso())),
    "elastic net": yes(lambda: solved(enet(l1_ratio=0.5), l1_ratio=0.5)),
    "weights of the features in the Lasso's penalty": yes(
        lambda: solved(lasso(weights=FACTORS + 0.5), factors=FACTORS + 0.5)
    ),
    "… in that of the elastic net": says(
        "in its L1 part",
        lambda: solved(enet(weights=FACTORS + 0.5), factors=FACTORS + 0.5, l1_ratio=0.5),
    ),
    "features without a penalty (weight 0)": yes(
        lambda: solved(lasso(weights=FACTORS), factors=FACTORS),
        lambda: solved(enet(weights=FACTORS), factors=FACTORS, l1_ratio=0.5),
    ),
    "weights ≥ 0 of the Lasso and the elastic net": yes(
        lambda: solved(lasso(positive=True), positive=True),
        lambda: solved(enet(positive=True), positive=True, l1_ratio=0.5),
    ),
    "several targets, a model for each": yes(lambda: solved(lasso(to=Y), Y)),
    "multi-task Lasso": yes(lambda: solved(fitted(MultiTaskLasso, ALPHA, to=Y), Y, together=True)),
    "multi-task elastic net": yes(
        lambda: solved(fitted(MultiTaskElasticNet, ALPHA, to=Y), Y, l1_ratio=0.5, together=True)
    ),
    # Groups
    "group Lasso: groups by size, sizes or lists": yes(
        lambda: solved(group(2), groups=PAIRS),
        lambda: solved(group(SIZES), groups=CONTIGUOUS),
        lambda: solved(group(LISTS), groups=LISTS),
    ),
    "weights of the groups in the penalty": yes(
        lambda: solved(
            group(LISTS, weights=[2, 0.5, 1]), groups=LISTS, factors=np.array([2, 0.5, 1])
        )
    ),
    "groups without a penalty (weight 0)": no(
        refused("must be positive", lambda: group(LISTS, weights=[0, 1, 1]))
    ),
    "group Lasso with weights ≥ 0": yes(
        lambda: solved(group(LISTS, positive=True), groups=LISTS, positive=True)
    ),
    "group Lasso of several targets together": yes(
        lambda: solved(group(LISTS, to=Y), Y, groups=LISTS, together=True)
    ),
    "groups of features in logistic regression": yes(
        lambda: solved(
            logistic(ALPHA / 2, groups=LISTS),
            labels,
            loss="logistic",
            groups=LISTS,
            alpha=ALPHA / 2,
        )
    ),
    "… in multinomial regression, of all classes together": yes(
        lambda: solved(
            multinomial(groups=LISTS),
            one_hot(classes),
            loss="multinomial",
            groups=LISTS,
            alpha=ALPHA / 2,
            together=True,
        )
    ),
    # Concave penalties
    "MCP": yes(lambda: solved(concave("mcp", ALPHA), slope=partial(MCP().slope, alpha=ALPHA))),
    "SCAD": yes(lambda: solved(concave("scad", ALPHA), slope=partial(SCAD().slope, alpha=ALPHA))),
    "a concave penalty of your own": yes(
        lambda: solved(concave(LogSum(), ALPHA), slope=partial(LogSum().slope, alpha=ALPHA))
    ),
    "MCP with the logistic loss": yes(
        lambda: solved(
            concave("mcp", ALPHA, loss=LogisticLoss(), to=labels),
            labels,
            loss="logistic",
            slope=partial(MCP().slope, alpha=ALPHA),
        )
    ),
    "penalties of infinite slope at zero, such as the root": no(
        refused("no weights", lambda: solved(concave(Root(), ALPHA)))
    ),
    # Losses with an L1 penalty
    "Huber": yes(lambda: solved(with_loss(HuberLoss(0.3)), loss="huber")),
    "Poisson": yes(lambda: solved(with_loss(PoissonLoss(), to=counts), counts, loss="poisson")),
    "Gamma": no(absent(strads, "gamma")),
    "Cox (survival times)": no(absent(strads, "cox", "surviv")),
    "quantile": no(absent(strads, "quantile", "pinball")),
    "squared hinge": yes(
        lambda: solved(with_loss(SquaredHingeLoss(), to=labels), labels, loss="squared hinge"),
        lambda: solved(fitted(LinearSVC, "l1", C=C, to=labels), labels, loss="squared hinge"),
    ),
    "a loss of your own": yes(lambda: solved(with_loss(Expectile()), loss="expectile")),
    # Classification
    "logistic regression, L1, two classes": yes(
        lambda: solved(logistic(C=C), labels, loss="logistic")
    ),
    "… with an elastic net's penalty": yes(
        lambda: solved(logistic(ALPHA, l1_ratio=0.5), labels, loss="logistic", l1_ratio=0.5)
    ),
    "… with weights ≥ 0": yes(
        lambda: solved(logistic(ALPHA, positive=True), labels, loss="logistic", positive=True)
    ),
    "… of several classes, one against the others": yes(
        lambda: solved(
            logistic(ALPHA / 2, to=classes), one_hot(classes), loss="logistic", alpha=ALPHA / 2
        )
    ),
    "… of several classes, multinomial": yes(
        lambda: solved(multinomial(), one_hot(classes), loss="multinomial", alpha=ALPHA / 2)
    ),
    "linear SVC, hinge": yes(
        lambda: separated(fitted(LinearSVC, loss="hinge", data=S, to=labels), signs, loss="hinge")
    ),
    "linear SVC, squared hinge": yes(
        lambda: separated(fitted(LinearSVC, data=S, to=labels), signs, loss="squared hinge")
    ),
    "linear SVC of Crammer and Singer": no(
        lacks(LinearSVC, "multi_class"), absent(strads, "crammer")
    ),
    "linear SVR, ε-insensitive": yes(
        lambda: separated(fitted(LinearSVR, epsilon=0.2, data=S), y, loss="epsilon-insensitive")
    ),
    "linear SVR, squared": yes(
        lambda: separated(
            fitted(LinearSVR, epsilon=0.2, loss="squared_epsilon_insensitive", data=S),
            y,
            loss="squared epsilon-insensitive",
        )
    ),
    "labels of any type": yes(uses.strings),
    "`class_weight`": yes(uses.class_weight),
    # Choosing the penalty
    "path of the Lasso and the elastic net": yes(uses.paths),
    "path of L1 logistic regression": no(
        absent(strads, "logistic_path"),
        refused("unexpected", lambda: strads.enet_path(X, labels, loss="logistic")),
    ),
    "path of the group Lasso": yes(uses.path_of_groups),
    "cross-validation of the Lasso and the elastic net": yes(uses.cross_validation),
    "cross-validation of multi-task models": yes(uses.cross_validation_of_tasks),
    "cross-validation of the group Lasso": yes(uses.cross_validation_of_groups),
    "cross-validation of L1 logistic regression": yes(uses.cross_validation_of_classes),
    "… of several classes together, multinomial": yes(uses.cross_validation_of_several_classes),
    "rule of one standard error": yes(uses.one_standard_error),
    # Data
    "sparse X": yes(
        lambda: solved(lasso(data=S)),
        lambda: solved(group(LISTS, data=S), groups=LISTS),
        lambda: solved(fitted(MultiTaskLasso, ALPHA, data=S, to=Y), Y, together=True),
        lambda: solved(logistic(ALPHA, data=S), labels, loss="logistic"),
        lambda: solved(concave("mcp", ALPHA, data=S), slope=partial(MCP().slope, alpha=ALPHA)),
    ),
    "sparse X with 64-bit indices": yes(lambda: solved(lasso(data=judged.wide()))),
    "float32 X, not converted to float64": yes(uses.single_precision),
    "intercept without a penalty": says(
        "not with the L2 penalty of SVMs",
        lambda: solved(lasso()),
        lambda: solved(logistic(ALPHA), labels, loss="logistic"),
        lambda: separated(fitted(LinearSVC, data=S, to=labels), signs, loss="squared hinge"),
    ),
    "`sample_weight`": yes(uses.sample_weight),
    # Fits
    "a warm start saves iterations": yes(uses.warm_start),
    "the duality gap is an attribute": yes(uses.gaps),
    "… and bounds that of `coef_` in exact arithmetic": yes(uses.certificate),
    "several processes or threads in a fit": yes(uses.processes),
    "callbacks, which may end a fit": yes(uses.callbacks),
    "checkpoints, from which a run resumes": yes(uses.checkpoints),
    "model files without pickle": yes(uses.model_files),
    "a command line": yes(uses.command_line),
    "parameters for pipelines and searches": yes(uses.search),
}

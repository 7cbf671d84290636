"""Features of this package that take more than a line to use and to judge."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from commands import done
from judged import (
    ALPHA,
    LISTS,
    REPEATED,
    TRIPLED,
    S,
    X,
    Y,
    centred,
    classes,
    counts,
    far,
    labels,
    of_words,
    often,
    one_hot,
    silent,
    solved,
    true_gap,
    y,
)
from processes import nothing_left
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from strads import (
    ElasticNetCV,
    GeneralizedLinearRegressor,
    GroupLasso,
    GroupLassoCV,
    Instrument,
    Lasso,
    LassoCV,
    LinearSVC,
    LinearSVR,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    NonconvexRegressor,
    SparseLogisticRegression,
    SparseLogisticRegressionCV,
    default_engine,
    enet_path,
    group_lasso_path,
    lasso_path,
)

ONE: dict[str, Any] = {"n_workers": 1}
EXACT: dict[str, Any] = {"tol": 1e-9, **ONE}
#: An estimator of each kind, and its target.
KINDS: list[tuple[Any, np.ndarray]] = [
    (Lasso(ALPHA, **EXACT), y),
    (GroupLasso(LISTS, ALPHA, **EXACT), y),
    (MultiTaskLasso(ALPHA, **EXACT), Y),
    (GeneralizedLinearRegressor("poisson", alpha=ALPHA, **EXACT), counts),
    (SparseLogisticRegression(ALPHA, **EXACT), labels),
    (SparseLogisticRegression(ALPHA / 2, multi_class="multinomial", **EXACT), classes),
    (LinearSVC(loss="hinge", **EXACT), labels),
    (LinearSVR(epsilon=0.2, **EXACT), y),
]
CONCAVE = (NonconvexRegressor("mcp", ALPHA, **EXACT), y)


def data_of(model: Any) -> Any:
    """Return X, sparse for machines: so less is compiled."""
    return S if isinstance(model, LinearSVC | LinearSVR) else X


def strings() -> None:
    for model in (SparseLogisticRegression(ALPHA, **EXACT), LinearSVC(**EXACT)):
        of_words(model, S)


def class_weight() -> None:
    given = {"class_weight": {0: 1.0, 1: 3.0}}
    model = SparseLogisticRegression(ALPHA, **given, **EXACT).fit(X, labels)
    solved(model, labels[TRIPLED], loss="logistic", X=X[TRIPLED])
    model = LinearSVC("l1", C=1 / (len(TRIPLED) * ALPHA), **given, **EXACT).fit(X, labels)
    solved(model, labels[TRIPLED], loss="squared hinge", X=X[TRIPLED])


def sample_weight() -> None:
    """A sample of weight k counts as k samples."""
    for model, target in [*KINDS, CONCAVE]:
        data = data_of(model)
        model = clone(model).fit(data, target, often)
        other = clone(model).fit(data[REPEATED], target[REPEATED])
        assert np.any(model.coef_)
        np.testing.assert_allclose(model.coef_, other.coef_, atol=2e-4)


def paths() -> None:
    Xc, yc = centred(X), centred(y)
    alphas, coefs, gaps = lasso_path(Xc, yc, alphas=[0.2, 0.1], tol=1e-9)
    others = enet_path(Xc, yc, l1_ratio=0.5, alphas=[0.2, 0.1], tol=1e-9)[1]
    assert gaps.max() <= 1e-9
    for k, alpha in enumerate(alphas):
        solved((coefs[:, k], 0.0), yc, alpha=alpha, X=Xc)
        solved((others[:, k], 0.0), yc, alpha=alpha, X=Xc, l1_ratio=0.5)


def path_of_groups() -> None:
    path = group_lasso_path(X, y, LISTS, alphas=[0.2, 0.1], **EXACT)
    for k, alpha in enumerate(path.alphas):
        solved((path.coefs[:, k], path.intercepts[k]), y, alpha=alpha, groups=LISTS)


def cross_validation() -> None:
    model = ElasticNetCV(l1_ratio=0.5, alphas=4, eps=0.01, cv=3, **EXACT).fit(X, y)
    assert model.alpha_ == model.alphas_[model.mse_path_.mean(axis=1).argmin()]
    solved(model, alpha=model.alpha_, l1_ratio=0.5)
    (train, test), *_ = KFold(3).split(X)
    single = LassoCV(alphas=[0.1], cv=3, **EXACT).fit(X, y)
    fold = Lasso(0.1, **EXACT).fit(X[train], y[train])
    error = np.mean((y[test] - fold.predict(X[test])) ** 2)
    np.testing.assert_allclose(single.mse_path_[0, 0], error, rtol=1e-4)


def cross_validation_of_tasks() -> None:
    given: dict[str, Any] = {"alphas": 3, "eps": 0.05, "cv": 3, **EXACT}
    single = MultiTaskLassoCV(**given).fit(X, Y)
    assert single.alpha_ == single.alphas_[single.mse_path_.mean(axis=1).argmin()]
    solved(single, Y, alpha=single.alpha_, together=True)
    mixed = MultiTaskElasticNetCV(l1_ratio=0.5, **given).fit(X, Y)
    solved(mixed, Y, alpha=mixed.alpha_, l1_ratio=0.5, together=True)


def cross_validation_of_groups() -> None:
    model = GroupLassoCV(LISTS, alphas=[0.2, 0.1, 0.05], cv=3, **EXACT).fit(X, y)
    assert model.alpha_ == model.alphas_[model.mse_path_.mean(axis=1).argmin()]
    solved(model, alpha=model.alpha_, groups=LISTS)


def cross_validation_of_classes() -> None:
    model = SparseLogisticRegressionCV(alphas=[0.1, 0.02], cv=3, **EXACT).fit(X, labels)
    assert model.alpha_ == model.alphas_[model.loss_path_.mean(axis=1).argmin()]
    solved(model, labels, loss="logistic", alpha=model.alpha_)
    (train, test), *_ = StratifiedKFold(3).split(X, labels)
    fold = SparseLogisticRegression(0.1, **EXACT).fit(X[train], labels[train])
    chances = fold.predict_proba(X[test])[np.arange(len(test)), labels[test]]
    np.testing.assert_allclose(model.loss_path_[0, 0], -np.log(chances).mean(), rtol=1e-4)


def cross_validation_of_several_classes() -> None:
    model = SparseLogisticRegressionCV(
        alphas=[0.1, 0.02], multi_class="multinomial", cv=3, **EXACT
    ).fit(X, classes)
    assert model.alpha_ == model.alphas_[model.loss_path_.mean(axis=1).argmin()]
    solved(model, one_hot(classes), loss="multinomial", alpha=model.alpha_)


def one_standard_error() -> None:
    given: dict[str, Any] = {"alphas": 8, "eps": 0.01, "cv": 3, "rule": "1se", **ONE}
    for model, target in ((LassoCV(**given), y), (SparseLogisticRegressionCV(**given), labels)):
        model.fit(X, target)
        errors = model.mse_path_ if target is y else model.loss_path_
        means, least = errors.mean(axis=1), errors.mean(axis=1).argmin()
        allowed = means[least] + errors[least].std(ddof=1) / np.sqrt(3)
        assert model.alpha_ == model.alphas_[means <= allowed].max() > model.alphas_[least]


class DataOfRun(Instrument):
    """Keeps the X of a run."""

    def before_run(self, run: Any) -> None:
        self.X = run.executor.program.X


def single_precision() -> None:
    """Runs have the user's own array."""
    X32, seen = np.asfortranarray(X, dtype=np.float32), DataOfRun()
    given: dict[str, Any] = {"X": X32.astype(float), "tol": 1e-2}
    solved(Lasso(ALPHA, callbacks=seen, **ONE).fit(X32, y), **given)
    assert np.shares_memory(seen.X, X32)
    solved(GroupLasso(LISTS, ALPHA, callbacks=seen, **ONE).fit(X32, y), groups=LISTS, **given)
    assert np.shares_memory(seen.X, X32)
    model = SparseLogisticRegression(ALPHA, callbacks=seen, **ONE).fit(X32, labels)
    assert np.shares_memory(seen.X, X32)
    solved(model, labels, loss="logistic", **given)


def warm_start() -> None:
    """The second fit has nothing left to do."""
    for model, target in [*KINDS, CONCAVE]:
        model = clone(model).set_params(warm_start=True)
        data = data_of(model)
        first = model.fit(data, target).coef_
        assert len(model.history_) > 1
        again = model.fit(data, target)
        assert len(again.history_) == 1
        np.testing.assert_allclose(again.coef_, first, atol=1e-6)


def gaps() -> None:
    for model, target in KINDS:
        data = data_of(model)
        model = clone(model).fit(data, target)
        assert model.certified_
        assert 0.0 <= np.max(model.dual_gap_) <= 1e-9


def certificate() -> None:
    """Also where single precision leaves few digits, or the fit ends early."""
    X32, y32 = far()
    for model in (Lasso(ALPHA, **ONE), Lasso(ALPHA, tol=1e-12, max_iter=1, **ONE)):
        with silent():
            model.fit(X32, y32)
        true, _ = true_gap(model, X32, y32)
        assert model.dual_gap_ >= true * (1 - 1e-9) - 1e-11
        assert model.certified_ == (model.dual_gap_ <= model.tol)


def processes() -> None:
    default_engine().close()  # other tests may have left theirs
    with nothing_left():
        model = Lasso(ALPHA, tol=1e-9, n_workers=2).fit(X, y)
        assert model.statistics_["executor"] == "processes"
        assert model.statistics_["workers"] == 2
        default_engine().close()
    solved(model)


def callbacks() -> None:
    for model, target in [*KINDS, CONCAVE]:
        data = data_of(model)
        steps: list[Any] = []
        with silent():
            model = clone(model).set_params(tol=0.0, callbacks=[steps.append, lambda step: True])
            model.fit(data, target)
        assert len(steps) == 1
        assert model.verdict_ == "callback"


def checkpoints() -> None:
    """A fit that breaks off after its first step resumes, with the bits of an undisturbed one."""

    def broken(step: Any) -> None:
        raise InterruptedError

    for model, target in [*KINDS, CONCAVE]:
        folder = Path(tempfile.mkdtemp()) / "fit"
        saving = clone(model).set_params(checkpoint=folder, resume_from=folder)
        with silent():
            whole = clone(model).fit(data_of(model), target)
            with contextlib.suppress(InterruptedError):
                clone(saving).set_params(callbacks=broken).fit(data_of(model), target)
            assert folder.exists()
            resumed = saving.fit(data_of(model), target)
        assert resumed.coef_.tobytes() == whole.coef_.tobytes()


def model_files() -> None:
    file = Path(tempfile.mkdtemp()) / "model"
    for model, target in [*KINDS, CONCAVE]:
        data = data_of(model)
        model = clone(model).fit(data, target)
        model.save(file)
        with np.load(file, allow_pickle=False) as arrays:
            assert [arrays[name] for name in arrays]
        again = type(model).load(file)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


def command_line() -> None:
    folder = Path(tempfile.mkdtemp())
    names = ",".join([*(f"x{j}" for j in range(X.shape[1])), "y"])
    table = np.column_stack([X, y])
    np.savetxt(folder / "data.csv", table, delimiter=",", header=names, comments="", fmt="%.17g")
    given = ("--target", "y", "--alpha", ALPHA, "--tol", 1e-9, "--workers", 1, "--quiet")
    done("fit", "lasso", folder / "data.csv", *given, "--out", folder / "out")
    solved(Lasso.load(folder / "out" / "model.npz"))


def search() -> None:
    for model, target in [*KINDS, CONCAVE]:
        assert clone(model).set_params(tol=0.5).get_params()["tol"] == 0.5
    found = GridSearchCV(Lasso(n_workers=1), {"alpha": [0.1, 10.0]}, cv=3).fit(X, y)
    assert found.best_params_ == {"alpha": 0.1}

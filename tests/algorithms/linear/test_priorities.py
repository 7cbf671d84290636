"""The user's own priorities: the optimum stays, and important features come first."""

import numpy as np
import pytest
from regressions import alpha_max, make
from sklearn.exceptions import ConvergenceWarning

from strads import (
    ElasticNet,
    GeneralizedLinearRegressor,
    GroupLasso,
    Instrument,
    Lasso,
    MultiTaskLasso,
    SparseLogisticRegression,
)
from strads.algorithms.linear.multinomial.members import choose_members

X, Y = make(p=150)
P = X.shape[1]
LABELS = (np.median(Y) < Y).astype(int)
PRIORITIES = np.where(np.arange(P) % 3 == 0, 50.0, 0.5)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize(
    "model", [
        Lasso(alpha_max(X, Y) / 20, tol=1e-9, n_workers=2, schedule="priority"),
        Lasso(alpha_max(X, Y) / 20, tol=1e-9, n_workers=1),
        ElasticNet(alpha_max(X, Y) / 20, tol=1e-9, n_workers=1),
        SparseLogisticRegression(alpha=0.01, tol=1e-9, n_workers=1),
    ],
)  # fmt: skip
@pytest.mark.processes
def test_the_optimum_is_the_same(model, dense):
    data = X.toarray(order="F") if dense else X
    target = LABELS if isinstance(model, SparseLogisticRegression) else Y
    plain = model.set_params(priorities=None).fit(data, target).coef_.ravel()
    alike = model.set_params(priorities=np.full(P, 3.0)).fit(data, target).coef_.ravel()
    np.testing.assert_array_equal(alike, plain)
    own = model.set_params(priorities=PRIORITIES).fit(data, target)
    assert own.certified_
    np.testing.assert_allclose(own.coef_.ravel(), plain, atol=1e-4)


SMALL = np.random.default_rng(1).normal(size=(50, 24))
TARGETS = SMALL @ np.random.default_rng(2).normal(size=(24, 2))


@pytest.mark.parametrize(
    ("model", "y", "count"), [
        (GroupLasso(3, alpha=0.3, tol=1e-9), TARGETS[:, 0], 8),
        (MultiTaskLasso(alpha=0.3, tol=1e-9), TARGETS, 24),
        (GeneralizedLinearRegressor("poisson", alpha=0.3, tol=1e-9), np.round(TARGETS[:, 0] ** 2),
         24),
        (SparseLogisticRegression(alpha=0.03, multi_class="multinomial", tol=1e-9),
         np.argsort(TARGETS[:, 0]) % 3, 24),
        (SparseLogisticRegression(alpha=0.03, groups=3, tol=1e-9), TARGETS[:, 0] > 0.0, 8),
    ],
)  # fmt: skip
def test_groups_tasks_and_classes_have_the_same_optimum(model, y, count):
    plain = model.set_params(n_workers=1, priorities=None).fit(SMALL, y).coef_
    alike = model.set_params(priorities=np.full(count, 3.0)).fit(SMALL, y).coef_
    np.testing.assert_array_equal(alike, plain)
    own = model.set_params(priorities=PRIORITIES[:count]).fit(SMALL, y)
    assert own.certified_
    np.testing.assert_allclose(own.coef_, plain, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "count"), [(GroupLasso(2, alpha=0.01), 150), (MultiTaskLasso(alpha=0.01), 300)]
)
def test_important_groups_and_rows_come_first(model, count):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(20, 300))
    Y = wide @ rng.normal(size=(300, 2))

    class First(Instrument):
        share = None

        def after_step(self, run, step):
            if self.share is None:
                self.share = np.mean(run.program.used("members") >= 150)

    def share(priorities):
        first = First()
        model.set_params(n_workers=1, callbacks=first, priorities=priorities, max_iter=1)
        with pytest.warns(ConvergenceWarning):
            model.fit(wide, Y[:, 0] if isinstance(model, GroupLasso) else Y)
        return first.share

    late = np.where(np.arange(count) >= count // 2, 1000.0, 1.0)
    assert share(late) > 0.9 > 0.7 > share(None)


def test_important_pairs_are_chosen_first():
    score = np.random.default_rng(0).uniform(1.0, 2.0, size=(300, 3))
    late = np.where(np.arange(300) >= 150, 1e3, 1.0)
    given = (score, np.zeros((300, 3)), 1.0, 1.0, 1000)
    assert 0.3 < np.mean(choose_members(*given, positive=False) // 3 >= 150) < 0.7
    found = choose_members(*given, positive=False, importance=late)
    assert len(found) == 128
    assert np.mean(found // 3 >= 150) > 0.9


def test_important_features_come_first():
    """Of those that join the working set first, most are among those with a large priority."""

    class First(Instrument):
        members = ()

        def after_step(self, run, step):
            if not len(self.members):
                self.members = run.program.used("members").copy()

    rng = np.random.default_rng(0)
    wide = np.asfortranarray(rng.normal(size=(40, 900)))
    y = wide @ rng.normal(size=900)

    def share(priorities):
        first = First()
        Lasso(0.05 * alpha_max(wide, y), priorities=priorities, callbacks=first).fit(wide, y)
        assert 0 < len(first.members) < 450
        return np.mean(first.members >= 450)

    late = np.where(np.arange(900) >= 450, 1000.0, 1.0)
    assert share(late) > 0.9 > 0.7 > share(None)


@pytest.mark.parametrize(
    ("given", "says"),
    [([1.0], "one entry for each of the 150"), (np.zeros(P), "between 1e-100"),
     (np.full(P, np.nan), "between 1e-100"), (["a"] * P, "must be numbers")],
)  # fmt: skip
def test_wrong_priorities_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        Lasso(priorities=given).fit(X, Y)
    with pytest.raises(ValueError, match="each of the 50 groups"):
        GroupLasso(3, priorities=PRIORITIES).fit(X, Y)

"""The user's own priorities: the optimum stays, and important features come first."""

import numpy as np
import pytest
from regressions import alpha_max, make

from strads import ElasticNet, Instrument, Lasso, SparseLogisticRegression

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
    labels = np.arange(len(Y)) % 3
    with pytest.raises(ValueError, match="leave priorities out"):
        SparseLogisticRegression(priorities=PRIORITIES, multi_class="multinomial").fit(X, labels)

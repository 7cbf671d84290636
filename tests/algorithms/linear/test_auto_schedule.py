"""``schedule="auto"`` of linear models: certified, deterministic, and fewer updates."""

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import JIT

from strads import GroupLasso, Lasso, MultiTaskLasso, SparseLogisticRegression


def problem(seed=0):
    """Correlated sparse columns of which a few matter."""
    rows, features = (120, 300) if JIT else (60, 150)
    rng = np.random.default_rng(seed)
    X = sp.random(rows, features, 0.2, format="csc", random_state=rng)
    w = np.where(np.arange(features) < 8, 3.0, 0.0)
    return X, X @ w + 0.1 * rng.standard_normal(rows)


TWO = pytest.param(2, marks=[pytest.mark.processes, pytest.mark.slow])


@pytest.mark.parametrize("workers", [1, TWO])
def test_the_lasso_is_certified_and_takes_fewer_updates(workers):
    X, y = problem()
    given = {"alpha": 0.005, "tol": 1e-8, "n_workers": workers, "random_state": 0}
    fits = {name: Lasso(schedule=name, **given).fit(X, y) for name in ("auto", "priority")}
    again = Lasso(schedule="auto", **given).fit(X, y)
    np.testing.assert_array_equal(fits["auto"].coef_, again.coef_)
    updates = {n: f.statistics_["phases"]["descend"]["updates"] for n, f in fits.items()}
    assert updates["auto"] < updates["priority"]
    np.testing.assert_allclose(fits["auto"].coef_, fits["priority"].coef_, atol=1e-5)
    assert all(fit.dual_gap_ <= 1e-8 for fit in fits.values())
    counts = fits["auto"].statistics_["schedules"]["descend"]
    assert counts["whole_visits"] + counts["list_visits"] > 0
    assert isinstance(counts["decisions"], list)  # of the last working set, perhaps of no sweep


def test_auto_leaves_newtons_method_where_it_is_faster():
    X, y = problem()
    model = Lasso(alpha=0.005, schedule="auto", n_workers=1).fit(X.toarray(), y)
    assert "descend" not in model.statistics_["phases"]
    assert model.dual_gap_ <= model.tol


@pytest.mark.compiles
def test_other_linear_models_take_auto():
    X, y = problem()
    Y = np.column_stack([y, -y])
    given = {"schedule": "auto", "n_workers": 1, "random_state": 0}
    tasks = MultiTaskLasso(alpha=0.02, **given).fit(X, Y)
    groups = GroupLasso(alpha=0.02, groups=[3] * (X.shape[1] // 3), **given).fit(X, y)
    labels = SparseLogisticRegression(alpha=0.01, **given).fit(X, y > np.median(y))
    for model in (tasks, groups, labels):
        assert model.dual_gap_ <= model.tol

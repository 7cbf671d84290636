"""A fit that turns out to be long goes on with more workers, by its count of work."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from strads import Lasso
from strads.algorithms.linear import choices
from strads.algorithms.linear.certified import certified_fit
from strads.algorithms.linear.solver.residual_form import held_columns


def problem():
    rng = np.random.default_rng(3)
    X = sp.random_array((150, 400), density=0.1, format="csc", random_state=rng)
    return X, X @ np.where(rng.random(400) < 0.2, rng.normal(size=400), 0.0) + 1.0


@pytest.fixture
def several_cores(monkeypatch):
    """Two cores, whatever the machine has."""
    for module in (choices, certified_fit):
        monkeypatch.setattr(module, "available_cores", lambda: 2)


@pytest.mark.processes
@pytest.mark.parametrize("residual_form", [False, True])
def test_a_long_fit_goes_on_with_a_worker_a_core(several_cores, residual_form, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda *_: residual_form)
    X, y = problem()
    short = Lasso(1e-3, tol=1e-6).fit(X, y)
    assert short.statistics_["executor"] == "serial"
    monkeypatch.setattr(choices, "BUDGET", 5.0 * X.nnz)
    long = Lasso(1e-3, tol=1e-6).fit(X, y)
    assert long.statistics_["workers"] == 2
    assert long.certified_
    assert long.n_iter_ >= long.history_[-1]["epochs"]
    np.testing.assert_allclose(long.predict(X), short.predict(X), atol=1e-4)


def test_whoever_asks_for_a_number_of_workers_gets_it(several_cores, monkeypatch):
    monkeypatch.setattr(choices, "BUDGET", 1.0)
    X, y = problem()
    assert Lasso(0.1, n_workers=1).fit(X, y).statistics_["workers"] == 1
    assert Lasso(0.1, schedule="random").fit(X, y).statistics_["workers"] == 1

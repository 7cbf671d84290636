"""Conjugate gradients on the support against dense linear algebra."""

from __future__ import annotations

from types import SimpleNamespace

import numba
import numpy as np
import pytest
import scipy.sparse as sp
from held import MEMBERS, N, problem
from hypothesis import given
from hypothesis import strategies as st

from strads import Lasso
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.algorithms.linear.solver.residual_form import held_columns
from strads.algorithms.linear.solver.residual_form.conjugate import (
    DONE,
    GOAL,
    MADE,
    RZ,
    pull_step,
    push_count_rows,
    push_place_rows,
    push_step,
    push_try,
)
from strads.engine import default_engine

JIT = not numba.config.DISABLE_JIT


def copied(h, support, workers):
    """Copy the support's entries by rows, as that many workers do."""
    s = SimpleNamespace(
        place=support, size=len(support), bounds=N * np.arange(workers + 1) // workers
    )
    s.place_end = np.cumsum(h.end[support] - h.start[support])
    s.count, s.at = np.zeros(N, np.int64), np.zeros(s.place_end[-1], np.int32)
    s.value = np.zeros(s.place_end[-1])
    s.ranges = list(zip(s.bounds[:-1], s.bounds[1:], strict=True))
    for rows in s.ranges:
        push_count_rows(rows, s.size, s.place, h.start, h.end, h.row, s.count)
    s.row_end = np.cumsum(s.count)
    for rows in s.ranges:
        push_place_rows(
            rows, s.size, s.place, h.start, h.end, h.row, h.value, s.row_end, s.count, s.at, s.value
        )
    return s


def solved(h, s, slope, inverse, most, damping=0.0, goal=0.0):
    """Run the rounds of ``conjugate``; return every worker's solution, and the last product."""
    workers, k = len(s.ranges), s.size
    state = [
        SimpleNamespace(x=np.zeros(k), p=inverse * slope, r=slope.copy(), words=np.zeros(4))
        for _ in range(workers)
    ]
    for w in state:
        w.words[RZ], w.words[GOAL] = slope @ (inverse * slope), goal
    image, product = np.zeros(N), np.zeros(k)
    for _ in range(most + 1):
        for w, rows in zip(state, s.ranges, strict=True):
            push_step(
                rows, k, most, h.unit, s.row_end, s.at, s.value, s.place, h.held_mean, inverse,
                product, w.x, w.p, w.r, w.words, image,
            )  # fmt: skip
        for q, w in enumerate(state):
            for source in range(workers):
                pull_step(
                    source, q, workers, k, damping, h.ridge, s.place, s.place_end, h.start, h.end,
                    h.row, h.value, h.held_norm2, image, w.p, w.words, product,
                )  # fmt: skip
    return state, product


@given(
    seed=st.integers(0, 2**16), centred=st.booleans(), workers=st.integers(1, 4),
    damping=st.sampled_from([0.0, 0.1]), ridge=st.sampled_from([0.0, 2.5]),
)  # fmt: skip
def test_conjugate_gradients_solve_the_equations(seed, centred, workers, damping, ridge):
    h = problem(seed, centred, ridge=ridge)
    rng = np.random.default_rng(seed)
    usable = np.flatnonzero(h.held_norm2 > 1e-9)
    support = np.sort(rng.choice(usable, rng.integers(1, len(usable) + 1), replace=False))
    s = copied(h, support, workers)
    X = h.centred[:, support]
    matrix = X.T @ X + ridge * np.eye(len(support))
    matrix[np.diag_indices(len(support))] *= 1.0 + damping
    slope, inverse = rng.normal(size=len(support)), 1.0 / h.held_norm2[support]
    state, product = solved(h, s, slope, inverse, 1, damping)
    np.testing.assert_allclose(product, matrix @ (inverse * slope), atol=1e-9)
    state, _ = solved(h, s, slope, inverse, 4 * MEMBERS, damping, goal=1e-24)
    for w in state:
        np.testing.assert_allclose(matrix @ w.x, slope, atol=1e-6)
        np.testing.assert_array_equal(w.x, state[0].x)
        assert w.words[DONE] == 1.0
        assert 1 <= w.words[MADE] <= 4 * MEMBERS


@given(seed=st.integers(0, 2**16), centred=st.booleans(), workers=st.integers(1, 4))
def test_members_without_inverse_stay(seed, centred, workers):
    h = problem(seed, centred)
    support = np.flatnonzero(h.held_norm2 > 1e-9)
    s = copied(h, support, workers)
    slope, inverse = np.ones(len(support)), 1.0 / h.held_norm2[support]
    inverse[::2] = 0.0
    state, _ = solved(h, s, slope, inverse, 4 * MEMBERS, goal=1e-24)
    free, X = inverse > 0.0, h.centred[:, support]
    assert not state[0].x[~free].any()
    np.testing.assert_allclose((X.T @ X @ state[0].x)[free], slope[free], atol=1e-6)


@given(seed=st.integers(0, 2**16), centred=st.booleans(), workers=st.integers(1, 4))
def test_the_image_of_a_trial_step(seed, centred, workers):
    h = problem(seed, centred)
    support = np.flatnonzero(h.held_norm2 > 1e-9)
    s = copied(h, support, workers)
    trial, image = np.random.default_rng(seed).normal(size=len(support)), np.zeros(N)
    for rows in s.ranges:
        push_try(rows, s.size, h.unit, s.row_end, s.at, s.value, s.place, h.held_mean, trial, image)
    np.testing.assert_allclose(image, h.centred[:, support] @ trial, atol=1e-9)


def hard(seed):
    """Sparse columns that are strongly correlated."""
    n, p = (80, 400) if JIT else (40, 160)
    rng = np.random.default_rng(seed)
    X = (rng.random((n, p)) < 0.15) * 1.0
    X[:, 1::2] = np.where(rng.random((n, p // 2)) < 0.9, X[:, ::2], X[:, 1::2])
    return sp.csc_array(X), X @ np.where(rng.random(p) < 0.2, rng.normal(size=p), 0.0)


@pytest.mark.parametrize("seed", range(4 if JIT else 1))
def test_steps_never_raise_the_objective(seed, monkeypatch):
    heights = []
    step = WorkingSetLasso.step_on_support

    def watched(self, v, r, z):
        before = self.objective(v, r)
        yield from step(self, v, r, z)
        heights.append((before, self.objective(v, r)))
        members, used = self.used("members"), v != 0.0
        X = self.X_dense[:, members[used]]
        np.testing.assert_allclose(r, self.y - (X - X.mean(axis=0)) @ v[used], atol=1e-9)

    X, y = hard(seed)
    monkeypatch.setattr(WorkingSetLasso, "step_on_support", watched)
    monkeypatch.setattr(WorkingSetLasso, "X_dense", X.toarray(), raising=False)
    made = WorkingSetLasso(
        X=X, y=y - y.mean(), unit=np.ones(len(y)), alpha=1e-3, tol=1e-9, max_epochs=10**5,
        centred=1, form="residual",
    )  # fmt: skip
    result = default_engine().run(made, workers=2, executor="serial", epochs=10**5)
    assert result.status == "converged"
    assert heights
    # The step compares sums over the support; here they are over all members.
    assert all(after <= before * (1.0 + 1e-14) for before, after in heights)
    assert any(after < before for before, after in heights)
    assert result.figures["products"] > 0


@pytest.mark.parametrize("positive", [False, True] if JIT else [False])
def test_of_parallel_columns_the_longest_carries_the_weight(positive, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda members, entries: True)
    X, y = hard(9)
    doubled = sp.csc_array(sp.hstack([X, -0.5 * X, 2.0 * X]))
    fit = Lasso(1e-2, tol=1e-10, positive=positive, max_iter=10**6).fit
    plain, p = fit(X, y).coef_.copy(), X.shape[1]
    coef = fit(doubled, y).coef_
    assert not coef[: 2 * p if not positive else p].any()
    longest = Lasso(1e-2, tol=1e-10, positive=positive, max_iter=10**6).fit(2.0 * X, y)
    if not positive:
        np.testing.assert_allclose(coef[2 * p :], longest.coef_, atol=1e-6)
    assert np.abs(plain).sum() > np.abs(longest.coef_).sum()

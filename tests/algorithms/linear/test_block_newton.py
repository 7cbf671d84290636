"""Newton's method for weights that are penalised in blocks: the minimum, its curvature, fits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import nothing_left
from scipy.linalg import LinAlgError
from tasks import strength

from strads import Checkpoint, GroupLasso, MultiTaskLasso, RoundRobin, default_engine
from strads.algorithms.linear.multi_task import block_newton, leader
from strads.algorithms.linear.multi_task import sweeps as sweeps_module
from strads.algorithms.linear.multi_task.block_newton import BlockNewton, Blocks, Curvature
from strads.algorithms.linear.solver.newton.semismooth import Point


def problem(seed, n=15, sizes=(1, 3, 2, 2, 4), tasks=2):
    """Correlated columns in blocks, and targets of which some blocks say much."""
    rng = np.random.default_rng(seed)
    sizes = rng.permutation(sizes)
    m = int(sizes.sum())
    X = np.asfortranarray(rng.normal(size=(n, m)) + 2.0 * rng.normal(size=(n, 1)))
    W = rng.normal(size=(m, tasks)) * (rng.random((m, 1)) < 0.5)
    first = np.cumsum(sizes) - sizes
    return X, X @ W + rng.normal(size=(n, tasks)), first


def method_for(X, y, first, share, ridge, positive):
    limit = share * np.abs(X.T @ y).max() * np.linspace(0.5, 2.0, len(first))
    blocks = Blocks(first, limit, X.shape[1])
    largest = [
        np.linalg.norm(X[:, part], 2) ** 2 for part in np.split(np.arange(X.shape[1]), first[1:])
    ]
    metric = blocks.spread(np.array(largest) + ridge)
    return BlockNewton(X, y, metric, blocks, ridge=ridge, positive=positive)


def violation(method, point):
    """Largest violation of a block's optimality condition, as a share of its limit."""
    blocks, w, z = method.blocks, point.w, point.z
    norms = blocks.spread(blocks.norms(w))
    pull = np.divide(blocks.spread(blocks.limit) * w, norms, out=np.zeros_like(w), where=norms > 0)
    rest = z - pull
    if method.positive:
        rest = np.where((w == 0.0) & (rest < 0.0), 0.0, rest)
    off = blocks.norms(rest)
    at_zero = np.maximum(off - blocks.limit, 0.0)
    return float((np.where(blocks.norms(w) > 0.0, off, at_zero) / blocks.limit).max())


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**16), n=st.sampled_from([4, 30]), tasks=st.sampled_from([1, 3]),
    share=st.sampled_from([0.3, 0.01]), ridge=st.sampled_from([0.0, 2.0]), positive=st.booleans(),
)  # fmt: skip
def test_the_minimum_meets_its_conditions(seed, n, tasks, share, ridge, positive):
    X, y, first = problem(seed, n, tasks=tasks)
    method = method_for(X, y, first, share, ridge, positive)
    start = Point(np.zeros((X.shape[1], tasks)), y.copy(), X.T @ y)
    found = method.minimise(start, 1.0, lambda p: violation(method, p), 1e-6, 10**4)
    np.testing.assert_allclose(found.r, y - X @ found.w, atol=1e-9 * np.abs(y).max())
    np.testing.assert_allclose(found.z, X.T @ found.r - ridge * found.w, atol=1e-9)
    assert violation(method, found) <= 1e-5
    assert not positive or found.w.min() >= 0.0


@settings(max_examples=20)
@given(seed=st.integers(0, 2**16), tasks=st.sampled_from([1, 3]), positive=st.booleans())
def test_the_curvature_is_the_derivative_of_the_weights(seed, tasks, positive):
    X, y, first = problem(seed, tasks=tasks)
    method, sigma = method_for(X, y, first, 0.02, 0.5, positive), 3.0
    rng = np.random.default_rng(seed)
    w, c, d = rng.normal(size=(3, X.shape[1], tasks)) * 3.0

    def weights(c):
        return method._soft(w - sigma * method.inverse * c, sigma)

    s = weights(c)
    used = np.flatnonzero(s.any(axis=1))
    d[np.setdiff1d(np.arange(len(d)), used)] = 0.0
    moved = (weights(c - 1e-7 * d) - weights(c + 1e-7 * d)) / 2e-7
    curve = Curvature.at(method, s, used, sigma)
    np.testing.assert_allclose(curve.times(d[used]), moved[used], atol=1e-5)
    if tasks == 1:
        twice = curve.root(curve.root(d[used]))
        np.testing.assert_allclose(twice, curve.times(d[used]), atol=1e-9)


@pytest.mark.parametrize("n", [4, 40])
@pytest.mark.parametrize("tasks", [1, 3])
def test_a_step_solves_its_system(n, tasks, monkeypatch):
    monkeypatch.setattr(block_newton, "ENOUGH", 1e-12)
    X, y, first = problem(2, n, tasks=tasks)
    method, sigma = method_for(X, y, first, 0.02, 0.5, False), 3.0
    s = method._soft(np.random.default_rng(0).normal(size=(X.shape[1], tasks)) * 3.0, sigma)
    used = np.flatnonzero(s.any(axis=1))
    curve = Curvature.at(method, s, used, sigma)
    step = method._newton_step(s, y, sigma)
    image = step + X[:, used] @ curve.times(X[:, used].T @ step)
    np.testing.assert_allclose(image, y, atol=1e-8 * np.abs(y).max())
    assert method.systems == 1
    assert method._newton_step(np.zeros_like(s), y, sigma) is y


@pytest.fixture
def newton(monkeypatch):
    """Sweeps after the first cycle without new members; Newton's method after them."""
    monkeypatch.setattr(sweeps_module, "FEW", 0)
    monkeypatch.setattr(sweeps_module, "RATIO", -1.0)
    monkeypatch.setattr(leader, "MANY", -np.inf)


def fitted(kind, **given):
    X, y, _ = problem(5, 20, sizes=(10, 10), tasks=3)
    alpha = strength(X, y, 50)
    if kind == "groups":
        return GroupLasso(2, alpha, **given).fit(X, y[:, 0])
    return MultiTaskLasso(alpha, **given).fit(X, y)


@pytest.mark.parametrize("kind", ["groups", "tasks"])
def test_a_fit_by_newton_equals_one_by_rounds(newton, kind):
    by_newton = fitted(kind, tol=1e-10)
    rounds = RoundRobin("blocks" if kind == "groups" else "chosen")
    by_rounds = fitted(kind, tol=1e-10, schedule=rounds)
    assert by_newton.certified_
    assert by_newton.history_[-1]["newton_systems"] > 0
    assert by_rounds.history_[-1]["newton_systems"] == 0
    np.testing.assert_allclose(by_newton.coef_, by_rounds.coef_, atol=1e-3)


@pytest.mark.processes
def test_a_run_of_two_workers_is_resumed_with_equal_bits(newton, tmp_path):
    given = {"tol": 1e-9, "n_workers": 2}
    with nothing_left():
        whole = fitted("tasks", **given)
        for steps in (1, 2):
            folder = tmp_path / str(steps)

            def fails(step, steps=steps):
                if step.epoch >= steps:
                    raise RuntimeError("enough")

            with pytest.raises(RuntimeError, match="enough"):
                fitted("tasks", callbacks=fails, checkpoint=Checkpoint(folder), **given)
            again = fitted("tasks", resume_from=folder, **given)
            np.testing.assert_array_equal(again.coef_, whole.coef_)
        default_engine().close()
    assert whole.history_[-1]["newton_systems"] > 0


def test_sweeps_take_over_if_a_system_is_singular(newton, monkeypatch):
    def fails(*_, **__):
        raise LinAlgError

    monkeypatch.setattr(block_newton.scipy.linalg, "cho_factor", fails)
    model = fitted("tasks", tol=1e-4)
    assert model.certified_
    assert model.history_[-1]["newton_systems"] <= 2

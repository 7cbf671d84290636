"""Kernels of linear support vector machines against their naive twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from machines import LOSSES, Problem, problems

from strads.algorithms.linear.dual import judge
from strads.algorithms.linear.dual.certificate import certified
from strads.algorithms.linear.dual.newton.conjugate import solve_by_products
from strads.algorithms.linear.dual.newton.directly import solve_directly
from strads.algorithms.linear.dual.newton.line_search import best_length
from strads.algorithms.linear.dual.newton.point import Work, evaluate, score_samples
from strads.algorithms.linear.dual.problem import bounds_of, curvature_of, maximiser
from strads.algorithms.linear.dual.sweep import descend, shuffle, sweep
from strads.kernels.lanes import LANES


def smooth(problem: Problem, w, tau, centre):
    """The primal of a proximal point, and the β that attains its maxima."""
    low, high = problem.bounds
    slope = problem.t - problem.rows @ w + tau * centre
    bend = problem.curvature + tau
    shrunk = np.sign(slope) * np.maximum(np.abs(slope) - problem.epsilon, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = np.where(shrunk == 0.0, 0.0, shrunk / bend)
    beta = np.clip(beta, low, high)
    value = slope * beta - problem.epsilon * np.abs(beta) - 0.5 * bend * beta**2
    return 0.5 * w @ w + value.sum() - 0.5 * tau * centre @ centre, beta


def work_for(problem: Problem, w, centre) -> Work:
    n, p = problem.rows.shape
    weights, samples = np.zeros((7, p)), np.zeros((4, n))
    weights[0], samples[3] = w, centre
    free, system = np.zeros(n, np.int64), np.zeros((p, p))
    return Work(*weights, *samples, free, system)


@given(
    slope=st.floats(-9, 9), epsilon=st.floats(0, 2), curvature=st.floats(0.1, 5),
    low=st.floats(-3, 0), high=st.floats(0, 3),
)  # fmt: skip
def test_maximiser(slope, epsilon, curvature, low, high):
    found = maximiser(slope, epsilon, curvature, low, high)
    tried = np.append(np.linspace(low, high, 41), found)
    values = slope * tried - epsilon * np.abs(tried) - 0.5 * curvature * tried**2
    assert low <= found <= high
    assert values[-1] >= values.max() - 1e-12


@given(problem=problems())
def test_bounds_and_curvatures(problem):
    samples = problem.samples()
    found = [bounds_of(samples, i, problem.t[i]) for i in range(len(problem.t))]
    np.testing.assert_array_equal(np.array(found).T, problem.bounds)
    curvatures = [curvature_of(samples, i) for i in range(len(problem.t))]
    np.testing.assert_allclose(curvatures, problem.curvature)


def room(problem: Problem, lanes: int):
    """Arrays of a team whose first lane has the problem, and whose second has its opposite."""
    n, p = problem.rows.shape
    classes = LOSSES[problem.loss][0]
    label = np.full(lanes, -1)
    label[0] = 1 if classes else 0
    if lanes > 1 and classes:
        label[1] = 0
    return {
        "samples": problem.samples(), "label": label, "chosen": (label >= 0).astype(np.int64),
        "beta": np.zeros((n, lanes)), "v": np.zeros((p, lanes)),
        "order": np.arange(n), "bar": np.full(lanes, np.inf),
        "top": np.zeros(lanes), "estimate": np.zeros(lanes), "busy": np.zeros(lanes, np.int64),
        "scores": np.zeros((1, lanes)), "moves": np.zeros((1, lanes)),
    }  # fmt: skip


def naive_sweep(problem: Problem, beta, order):
    """Maximise the dual over one variable after the other."""
    rows, (low, high) = problem.rows, problem.bounds
    beta, estimate = beta.copy(), 0.0
    v = rows.T @ beta
    for i in order:
        one = Problem(problem.X[[i]], problem.t[[i]], problem.cost[[i]], problem.loss,
                      problem.epsilon, problem.scaling)  # fmt: skip
        loss = float(one.primal(v) - v @ v / 2)
        conjugate = problem.epsilon * abs(beta[i]) - problem.t[i] * beta[i]
        conjugate += 0.5 * problem.curvature[i] * beta[i] ** 2
        estimate += loss + conjugate + beta[i] * (rows[i] @ v)
        whole = rows[i] @ rows[i] + problem.curvature[i]
        slope = problem.t[i] - rows[i] @ v + rows[i] @ rows[i] * beta[i]
        new = maximiser(slope, problem.epsilon, np.float64(whole), low[i], high[i])
        v += (new - beta[i]) * rows[i]
        beta[i] = new
    return beta, v, estimate


@pytest.mark.parametrize("lanes", [1, LANES])
@given(problem=problems(), seed=st.integers(0, 99))
def test_sweep(lanes, problem, seed):
    team = room(problem, lanes)
    n = len(problem.t)
    beta = np.zeros(n)
    order = np.arange(n)
    for _ in range(2):
        shuffle(order, n, seed)
        assert sorted(order) == list(range(n))
        beta, v, estimate = naive_sweep(problem, beta, order)
        team["bar"][:] = np.inf  # leaves no sample out
        left = sweep(**team, count=n, seed=seed, measured=True)
        assert left == n
        np.testing.assert_allclose(team["beta"][:, 0], beta, atol=1e-9)
        np.testing.assert_allclose(team["v"][:, 0], v, atol=1e-9)
        np.testing.assert_allclose(team["estimate"][0], estimate, rtol=1e-7, atol=1e-9)
    if lanes > 1 and LOSSES[problem.loss][0]:  # the opposite labels have the opposite solution
        np.testing.assert_array_equal(team["beta"][:, 1], -team["beta"][:, 0])
    assert not team["beta"][:, 2:].any()


@settings(max_examples=30)
@given(problem=problems(), seed=st.integers(0, 99))
def test_descent_with_shrinking_reaches_the_optimum(problem, seed):
    # A hinge, or a loss of much weight, may need many epochs.
    assume(problem.curvature.max() > 0.0 and problem.cost.max() <= 1.0)
    team = room(problem, 1)
    for _ in range(30):
        team["bar"][:] = np.inf
        made, visits = descend(**team, key=seed, most=200, wide=0.0, goal=np.full(1, 1e-10))
        assert 0 < visits <= made <= 200
        beta = team["beta"][:, 0]
        if problem.gap(problem.rows.T @ beta, beta) <= 1e-6:
            break
    assert problem.gap(problem.rows.T @ beta, beta) <= 1e-6


@given(problem=problems(), seed=st.integers(0, 99))
def test_judge_and_certificate(problem, seed):
    rng = np.random.default_rng(seed)
    low, high = problem.bounds
    beta = np.clip(rng.normal(size=len(low)), low, high)
    w = rng.normal(size=problem.rows.shape[1])
    figures, v = np.zeros((1, judge.WORDS)), np.zeros((len(w), 1))
    label = np.array([1 if LOSSES[problem.loss][0] else 0])
    samples = problem.samples()
    judge.add_dual(samples, label, beta[:, None], v, figures, np.zeros((1, 1)))
    judge.add_primal(samples, label, w[:, None], figures, np.zeros((1, 1)))
    figures[0, judge.W2], figures[0, judge.V2] = w @ w, v[:, 0] @ v[:, 0]
    np.testing.assert_allclose(v[:, 0], problem.rows.T @ beta, atol=1e-12)
    squares = problem.cost @ samples.norm2 if samples.squared else 0.0
    found = certified(figures[0], n=len(beta), longest=len(w), squares=squares)
    true = problem.gap(w, beta)
    assert true <= found.gap
    assert found.gap <= true + 1e-10 * (1.0 + abs(true))
    assert found.rounding <= 1e-10 * (1.0 + abs(true))


@given(problem=problems(), seed=st.integers(0, 99), tau=st.sampled_from([0.0, 0.1, 5.0]))
def test_point_steps_and_line_search(problem, seed, tau):
    assume(tau > 0.0 or LOSSES[problem.loss][1])
    rng = np.random.default_rng(seed)
    low, high = problem.bounds
    w = rng.normal(size=problem.rows.shape[1])
    centre = np.clip(rng.normal(size=len(low)), low, high) if tau else np.zeros(len(low))
    work, samples = work_for(problem, w, centre), problem.samples()
    label = 1 if LOSSES[problem.loss][0] else 0
    score_samples(samples, work.w, work.scores)
    np.testing.assert_allclose(work.scores, problem.rows @ w, atol=1e-12)
    point = evaluate(samples, label, tau, work)
    start, beta = smooth(problem, w, tau, centre)
    np.testing.assert_allclose(work.beta, beta, atol=1e-9)
    np.testing.assert_allclose(point.primal, float(problem.primal(w)), rtol=1e-9)
    np.testing.assert_allclose(point.dual, float(problem.dual(work.beta)), rtol=1e-9, atol=1e-9)
    scaled = float(problem.dual(point.scale * work.beta))
    np.testing.assert_allclose(point.scaled, scaled, rtol=1e-9, atol=1e-9)
    free = (beta != 0.0) & (low < beta) & (beta < high)
    assert sorted(work.free[: point.free]) == list(np.flatnonzero(free))
    XF = problem.rows[free]
    H = np.eye(len(w)) + XF.T @ (XF / (problem.curvature + tau)[free, None])
    exact = np.linalg.solve(H, problem.rows.T @ beta - w)
    solve_directly(samples, tau, point.free, work)
    np.testing.assert_allclose(work.step, exact, rtol=1e-6, atol=1e-8)
    solve_by_products(samples, tau, point.free, 1e-10, work)
    np.testing.assert_allclose(work.step, exact, rtol=1e-5, atol=1e-7)
    score_samples(samples, work.step, work.changes)
    length = best_length(samples, label, tau, work)
    reached, _ = smooth(problem, w + length * work.step, tau, centre)
    for other in (0.0, 0.5 * length, 1.0, 2.0 * length):
        tried, _ = smooth(problem, w + other * work.step, tau, centre)
        assert reached <= tried + 1e-5 * (1.0 + abs(start))


def test_descent_side_by_side_ends_once_the_models_need_few_samples():
    rng = np.random.default_rng(0)
    problem = Problem(
        rng.normal(size=(60, 5)), np.where(rng.random(60) < 0.5, 1.0, -1.0), np.full(60, 0.1),
        "hinge", 0.0, 1.0,
    )  # fmt: skip
    for wide, ended in ((100.0, True), (0.0, False)):
        team = room(problem, LANES)
        made, _ = descend(**team, key=0, most=8, wide=wide, goal=np.zeros(LANES))
        assert (made == 2) == ended

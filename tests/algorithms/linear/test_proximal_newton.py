"""The parts of proximal Newton, each against a naive twin."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled import entropy, logistic, softplus
from scipy.optimize import minimize_scalar

from strads.algorithms.linear.losses.logistic import LogisticLoss
from strads.algorithms.linear.solver.proximal_newton.gap import Reached, balanced
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.proximal_newton.kernels import push_predict, push_weigh
from strads.algorithms.linear.solver.proximal_newton.line_search import FLAT, LONGEST, Line
from strads.algorithms.linear.solver.rounding import UNIT

SEED = st.integers(0, 2**16)
LOSS = LogisticLoss()


def samples(seed, n=30):
    """Predictions, labels with both present, and weights of which some are zero."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(np.float64)
    y[:2] = 0.0, 1.0
    weight = rng.random(n) * (rng.random(n) < 0.8)
    weight[:2] = 1.0
    return rng.normal(size=n) * 10.0 ** rng.uniform(-2, 2), y, weight


# -- the loss ----------------------------------------------------------------------------------


@given(f=st.floats(-800, 800), label=st.sampled_from([0.0, 1.0]))
def test_the_logistic_loss_is_right_to_a_few_units_of_rounding(f, label):
    at = LOSS.at(np.array([f]), np.array([label]))
    sign, long = 2.0 * label - 1.0, np.longdouble(f)
    curvature = float((logistic(np.array([long])) * logistic(np.array([-long])))[0])
    np.testing.assert_allclose(at.value[0], float(softplus(-sign * long)), rtol=8 * UNIT)
    wrong = float(logistic(np.array([-sign * long]))[0])
    np.testing.assert_allclose(at.theta[0], sign * wrong, rtol=8 * UNIT)
    np.testing.assert_allclose(at.curvature[0], curvature, rtol=1e-12, atol=1e-300)
    assert at.curvature[0] <= LOSS.smoothness * (1.0 + 8 * UNIT)
    assert LOSS.value(np.array([f]), np.array([label]))[0] == at.value[0]


@given(share=st.floats(0, 1), off=st.floats(-8, 8))
def test_the_dual_is_an_entropy_and_its_error_is_bounded(share, off):
    label = np.array([1.0])
    exact = float(entropy(np.array([np.longdouble(share) * (1 + np.longdouble(off) * UNIT)]))[0])
    exact = exact if share * (1 + off * UNIT) <= 1.0 else 0.0
    found = LOSS.dual(np.array([share]), label)[0]
    assert abs(found - exact) <= LOSS.dual_error(np.array([share]), label)[0]


@given(seed=SEED)
def test_the_constant_has_the_least_loss(seed):
    _, y, weight = samples(seed)
    b = LOSS.constant(y, weight)
    assert abs(weight @ LOSS.at(np.full(len(y), b), y).theta) <= 1e-12
    # Fenchel and Young: at the optimum, primal and dual are equal.
    at = LOSS.at(np.full(len(y), b), y)
    np.testing.assert_allclose(at.value + at.theta * b, LOSS.dual(at.theta, y), atol=1e-12)


# -- the intercept -----------------------------------------------------------------------------


@given(seed=SEED, start=st.floats(-1e4, 1e4))
def test_the_intercept_is_the_best_from_anywhere(seed, start):
    xw, y, weight = samples(seed)
    b, here = best_intercept(LOSS, xw, y, weight, start)
    slope = weight @ here.theta
    assert abs(slope) <= 1e-12 * (weight @ np.abs(here.theta)) + 1e-300
    np.testing.assert_array_equal(here.theta, LOSS.at(xw + b, y).theta)


# -- the line search ---------------------------------------------------------------------------


@given(seed=SEED, penalty=st.sampled_from([0.0, 0.3, 3.0]), ridge=st.sampled_from([0.0, 2.0]))
def test_the_line_search_comes_near_the_minimum(seed, penalty, ridge):
    rng = np.random.default_rng(seed)
    f, y, weight = samples(seed)
    along = rng.normal(size=len(f)) * 10.0 ** rng.uniform(-1, 1)
    v = rng.normal(size=6) * (rng.random(6) < 0.5)
    d = np.where(rng.random(6) < 0.5, -v, rng.normal(size=6))  # some weights go to zero
    line = Line(LOSS, y, weight, f, along, LOSS.at(f, y).theta, v, d, penalty, ridge)

    def objective(t):
        w = v + t * d
        cost = penalty * np.abs(w).sum() + 0.5 * ridge * (w @ w)
        return weight @ LOSS.value(f + t * along, y) + cost

    height = objective(0.0)
    t = line.minimiser(height)
    start = line.smooth(0.0) + line.cost(0.0, 1.0)
    if start > 0.0:
        assert t in (0.0, 1.0)
        return
    assert 0.0 < t <= LONGEST
    least = minimize_scalar(objective, bounds=(0.0, LONGEST), method="bounded").fun
    # The slope is small on one side at least, so by convexity no point is much lower.
    rounding = 1e-9 * abs(height)
    assert objective(t) <= least + FLAT * -start * LONGEST + rounding
    assert objective(t) <= height + rounding


def test_no_weight_becomes_negative_if_none_may():
    rng = np.random.default_rng(0)
    v, d = rng.random(5), -0.5 * rng.random(5)
    f, y, weight = samples(0)
    given = (LOSS, y, weight, f, -1e3 * f, LOSS.at(f, y).theta, v, d, 100.0, 0.0)
    assert Line(*given, positive=True).longest == max(1.0, min(4.0, float(np.min(-v / d))))
    assert Line(*given).longest == LONGEST
    t = Line(*given, positive=True).minimiser(1.0)
    assert np.all(v + t * d >= -1e-12)


# -- the gap -----------------------------------------------------------------------------------


@given(seed=SEED)
def test_balanced_numbers_sum_to_zero_and_are_no_larger(seed):
    f, y, weight = samples(seed)
    theta = LOSS.at(f, y).theta
    even = balanced(theta, weight)
    assert abs(weight @ even) <= 1e-13 * (weight @ np.abs(theta))
    assert np.all(np.abs(even) <= np.abs(theta))
    assert np.all(even * theta >= 0.0)


@given(seed=SEED, largest=st.floats(0.0, 3.0))
def test_the_bound_is_above_the_gap(seed, largest):
    f, y, weight = samples(seed)
    at = LOSS.at(f, y)
    even = balanced(at.theta, weight)
    reached = Reached(
        LOSS, y, weight, at, error=0.0, theta=even, largest=largest, doubt=largest, cost=0.7,
        shrunk2=0.4, terms=40.0, at_zero=2.0,
    )  # fmt: skip
    found = reached.bounded()
    scale = 1.0 / largest if largest > 1.0 else 1.0
    exact = weight @ softplus(np.longdouble(1.0) * (1.0 - 2.0 * y) * f) + 0.7
    exact -= weight @ entropy(np.abs(np.longdouble(scale) * even)) - 0.2 * scale * scale
    assert found.gap >= max(float(exact) / 2.0, 0.0) - 1e-15
    assert found.gap <= max(float(exact) / 2.0, 0.0) + 1e-11
    assert 0.0 <= found.rounding <= 1e-11


# -- kernels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sparse", [True, False])
@given(seed=SEED, workers=st.integers(1, 3), fresh=st.integers(0, 8), centred=st.booleans())
def test_members_are_weighed(sparse, seed, workers, fresh, centred):
    rng = np.random.default_rng(seed)
    n, p = 12, 10
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.6)
    weight = rng.random(n)
    given_X = naive.sparse(X) if sparse else np.asfortranarray(X)
    members, mean, norm = rng.permutation(p)[:8], np.full(p, -1.0), np.full(p, -1.0)
    for q in range(workers):
        push_weigh(
            q, workers, given_X, weight, weight.sum(), int(centred), 0.5, fresh, 8, members, mean,
            norm,
        )  # fmt: skip
    means = weight @ X / weight.sum() if centred else np.zeros(p)
    expected = np.sqrt(weight @ (X - means) ** 2 + 0.5)
    weighed = np.isin(np.arange(p), members[fresh:])
    np.testing.assert_allclose(mean, np.where(weighed, means, -1.0))
    np.testing.assert_allclose(norm, np.where(weighed, expected, -1.0))


@pytest.mark.parametrize("sparse", [True, False])
@given(seed=SEED, cut=st.integers(0, 12))
def test_predictions_are_those_of_the_members(sparse, seed, cut):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 10)) * (rng.random((12, 10)) < 0.6)
    given_X = naive.sparse(X) if sparse else np.asfortranarray(X)
    members, v = rng.permutation(10)[:5], rng.normal(size=5) * (rng.random(5) < 0.7)
    predictions = np.full(12, 7.0)
    for rows in ((0, cut), (cut, 12)):
        push_predict(rows, given_X, 5, members, v, predictions)
    np.testing.assert_allclose(predictions, X[:, members] @ v, atol=1e-12)

"""The comparison of penalties and losses runs on tiny data, and its judges are right."""

from importlib.util import find_spec

import numba
import numpy as np
import pytest
import scipy.sparse as sp

from bench.penalties import command, data
from bench.penalties.judge import poisson, stationarity
from bench.penalties.problem import KINDS
from strads import MCP

INTERCEPT = pytest.mark.parametrize("intercept", [True, False])


def test_every_kind_is_raced(capsys):
    given = {"tiny": True, "repeats": 1, "divisor": [10.0], "workers": [1]}
    peers = [] if numba.config.DISABLE_JIT else ["skglm", "celer"]  # they need the JIT
    rows = command.main(**given, peers=peers)
    ran = [(kind, solver) for kind in KINDS for solver in ("strads-1", "skglm", "celer")
           if solver != "celer" or kind == "weights"]  # fmt: skip
    ran = [
        each for each in ran
        if each[1] == "strads-1" or (each[1] in peers and find_spec(each[1]))
    ]  # fmt: skip
    assert [(row["kind"], row["solver"]) for row in rows] == ran
    assert all(row["reached"] and row["warm"] > 0.0 and row["nonzeros"] > 3 for row in rows)
    assert all(0.0 < row["objective"] < 1.0 for row in rows if row["kind"] == "concave")
    printed = capsys.readouterr().out
    assert "MCP, tiny: 120 × 120" in printed
    assert "no intercept" not in printed


def test_kinds_that_are_not_known_are_refused():
    with pytest.raises(Exception, match="concave or counts or weights"):
        command.main(kind=["convex"], tiny=True)


def test_kinds_have_their_own_data_and_penalties():
    assert [*command.DEFAULTS] == [*KINDS]
    assert all(KINDS[kind]("tiny", 10.0, True).kind == kind for kind in KINDS)


def loss(problem, coef, b):
    """Mean loss of a model, less that of predictions equal to the targets."""
    X, y = problem.load()
    f = np.asarray(X @ coef).ravel() + b
    if problem.kind != "counts":
        return 0.5 * np.square(y - f).mean()
    logs = np.log(np.where(y > 0.0, y, 1.0))
    return (np.exp(f) - y * f + y * logs - y).mean()


def objective(problem, coef, b):
    """Objective of a model, written down once more."""
    size = np.abs(coef)
    if problem.kind == "concave":
        return loss(problem, coef, b) + MCP(problem.gamma).value(size, problem.alpha).sum()
    factors = problem.factors if problem.kind == "weights" else 1.0
    return loss(problem, coef, b) + problem.alpha * (factors * size).sum()


def at_zero(problem):
    """Objective of the best model without features."""
    (X, y), b = problem.load(), 0.0
    if problem.intercept:
        b = np.log(y.mean()) if problem.kind == "counts" else y.mean()
    return objective(problem, np.zeros(X.shape[1]), b)


@INTERCEPT
@pytest.mark.parametrize("kind", ["counts", "weights"])
def test_a_gap_is_never_less_than_how_far_a_model_is_off(kind, intercept):
    problem, rng = KINDS[kind]("tiny", 10.0, intercept), np.random.default_rng(0)
    best = problem.start("strads-1", {"tol": 1e-9})()
    least = objective(problem, best.coef, best.intercept)
    assert -1e-12 <= problem.judge(best, {})["value"] <= 1e-9
    for size in (1e-4, 1e-2, 1.0):
        coef = best.coef * (1.0 + size * rng.normal(size=best.coef.shape))
        b = best.intercept + intercept * size * rng.normal()
        found = problem.judge(best._replace(coef=coef, intercept=b), {})["value"]
        off = (objective(problem, coef, b) - least) / at_zero(problem)
        assert found >= off > 0.0


@INTERCEPT
@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_penalty_is_the_smallest_without_weights(kind, intercept):
    X, y = KINDS[kind]("tiny", 1.0, intercept).load()[:2]
    free = np.log(y.mean()) if kind == "counts" else y.mean()
    for divisor, least, most in ((1.0, -1e-12, 1e-12), (1.1, 1e-3, 1.0)):
        problem = KINDS[kind]("tiny", divisor, intercept)
        none = problem.start("strads-1", {"tol": 1e-3})()
        none = none._replace(coef=np.zeros(X.shape[1]), intercept=free if intercept else 0.0)
        assert least <= problem.judge(none, {})["value"] <= most


@INTERCEPT
def test_the_residual_is_the_largest_derivative(intercept):
    problem, rng = KINDS["concave"]("tiny", 10.0, intercept), np.random.default_rng(0)
    best = problem.start("strads-1", {"tol": 1e-7})()
    found = problem.judge(best, {})
    assert found["value"] <= 1.001e-7
    expected = objective(problem, best.coef, best.intercept) / at_zero(problem)
    assert found["objective"] == pytest.approx(expected)
    support = np.flatnonzero(best.coef)
    coef = best.coef.copy()
    coef[support] *= 1.0 + 0.1 * rng.normal(size=len(support))
    h, derivatives = 1e-6, []
    for j in support:
        there = [coef + step * h * (np.arange(len(coef)) == j) for step in (1.0, -1.0)]
        values = [objective(problem, each, best.intercept) for each in there]
        derivatives.append((values[0] - values[1]) / (2 * h))
    moved = problem.judge(best._replace(coef=coef), {})["value"]
    assert moved >= np.abs(derivatives).max() / problem.alpha - 1e-6
    if intercept:
        wrong = problem.judge(best._replace(intercept=best.intercept + problem.alpha), {})
        assert wrong["value"] >= 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_model_is_refused(kind):
    problem = KINDS[kind]("tiny", 10.0, True)
    best = problem.start("strads-1", {"tol": 1e-3})()
    broken = best._replace(coef=np.full_like(best.coef, np.nan))
    assert problem.judge(broken, {})["value"] == np.inf
    given = {"alpha": 1.0, "fit_intercept": False}
    with pytest.raises(ValueError, match="without one"):
        poisson(*problem.load(), best.coef, 1.0, **given)
    with pytest.raises(ValueError, match="without one"):
        stationarity(*problem.load(), best.coef, 1.0, gamma=3.0, **given)


def test_counts_that_are_too_large_are_infinitely_far_off():
    problem = KINDS["counts"]("tiny", 10.0, True)
    best = problem.start("strads-1", {"tol": 1e-3})()
    assert problem.judge(best._replace(intercept=1e4), {})["value"] == np.inf


def test_generated_data():
    X, y = data.counted("tiny")
    assert np.array_equal(y, np.floor(y))
    assert y.min() == 0.0 < 1.0 < y.mean() < 3.0
    np.testing.assert_allclose(sp.linalg.norm(X, axis=1), 1.0)
    X, y = data.measured("ar")
    assert (X.shape, y.shape) == ((500, 5000), (500,))
    np.testing.assert_allclose(np.square(X).mean(axis=0), 1.0)
    assert np.mean(X[:, 1:] * X[:, :-1]) == pytest.approx(0.9, abs=0.01)
    factors = data.factors(X.shape[1])
    assert set(factors) == set(data.FACTORS)
    dense, sparse = data.divided("ar"), data.divided("tiny")
    np.testing.assert_allclose(dense * factors, X)
    again = sparse.multiply(data.factors(sparse.shape[1])).toarray()
    np.testing.assert_allclose(again, data.measured("tiny").X.toarray())

"""Trial fits: parts of the data, steps that both fits have, and budgets."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from strads.diagnosis.trials import trial
from strads.diagnosis.trials.problems import (
    PROBLEMS,
    bytes_of,
    checked_data,
    entries_of,
    part_of,
    problem_of,
    product,
    scores,
)
from strads.diagnosis.trials.trial import make_trial


@pytest.fixture
def regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 40))
    return X, X[:, :4].sum(axis=1) + 0.1 * rng.normal(size=60)


@pytest.fixture
def alone(monkeypatch):
    """Let the fit with two workers have one, so that no process has to start."""
    inner = trial.Problem.model
    monkeypatch.setattr(
        trial.Problem,
        "model",
        lambda problem, settings: inner(
            problem, {name: 1 if name == "n_workers" else v for name, v in settings.items()}
        ),
    )


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever somebody looks."""
    ticks = itertools.count()
    monkeypatch.setattr(trial.time, "perf_counter", lambda: float(next(ticks)))


def test_a_small_problem_is_fitted_to_its_end(regression, alone):
    found = make_trial(problem_of("lasso"), *regression, {"alpha": 0.1}, 60.0, 0)
    assert found.whole
    assert found.share == 1.0
    assert trial.PAIRS <= found.pairs <= trial.MOST_PAIRS
    assert found.one.steps == found.two.steps > 0.0


@pytest.mark.usefixtures("clock")
def test_a_fit_that_takes_long_is_stopped_at_a_step(regression, alone):
    found = make_trial(problem_of("lasso"), *regression, {"alpha": 0.001, "tol": 1e-12}, 4.0, 0)
    assert not found.whole
    assert found.pairs == 1
    assert found.one.steps == found.two.steps == 1.0


def test_large_data_are_cut_first(regression, alone, monkeypatch):
    X, y = regression
    monkeypatch.setattr(trial, "MOST_PAIRS", 1)
    monkeypatch.setattr(trial, "FIRST_ENTRIES", X.size // 4)
    seen = []
    inner = trial.Problem.fit
    monkeypatch.setattr(
        trial.Problem,
        "fit",
        lambda problem, model, X, y: seen.append(X.shape[0]) or inner(problem, model, X, y),
    )
    found = make_trial(problem_of("lasso"), X, y, {"alpha": 0.1}, 60.0, 0)
    assert seen[0] < 30
    assert set(seen[1:]) == {60}  # the first fit was quick
    assert found.share == 1.0


def test_sweeps_are_as_many_as_the_budget_allows(alone, monkeypatch):
    monkeypatch.setattr(trial, "MOST_PAIRS", 1)
    rng = np.random.default_rng(0)
    X = sp.csr_array(rng.integers(0, 3, (20, 15)))
    found = make_trial(problem_of("lda"), X, None, {"n_components": 2, "max_iter": 7}, 60.0, 0)
    assert found.one.steps == 7.0
    assert found.whole


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array, sp.csc_array])
def test_a_part_keeps_every_class(regression, layout):
    X, _ = regression
    y = np.repeat([0, 1, 2], [1, 1, 58])
    part, labels = part_of(problem_of("svm"), layout(X), y, 0.1, 0)
    assert part.shape[0] == len(labels) < 30
    assert set(labels) == {0, 1, 2}
    assert part_of(problem_of("mf"), X, None, 1.0, 0)[0] is X


def test_data_keep_the_layout_that_estimators_use(regression):
    X, y = regression
    assert checked_data(problem_of("lasso"), sp.csr_array(X), y)[0].format == "csc"
    assert checked_data(problem_of("svm"), sp.csc_array(X), y)[0].format == "csr"
    assert checked_data(problem_of("lasso"), X, y)[0] is X
    dense = X.astype(np.float32)
    assert checked_data(problem_of("logistic"), dense, y)[0] is dense
    assert bytes_of(X) == 60 * 40 * 8
    assert entries_of(sp.csc_array(X)) == 60 * 40


def test_scores_take_labels_of_any_kind(regression):
    X, y = regression
    labels = np.where(y > 0.0, "yes", "no")
    np.testing.assert_allclose(scores(X, labels), X.T @ ((y > 0.0) - np.mean(y > 0.0)))
    assert product(X.astype(np.float32), np.ones(40)).dtype == np.float64


def test_problems_count_their_variables():
    X, y = np.ones((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    counted = {name: each.variables(X, y, each.estimator()) for name, each in PROBLEMS.items()}
    rank = PROBLEMS["mf"].estimator().n_components
    assert counted == {
        "lasso": 4, "logistic": 12, "svm": 18, "mf": 10 * (rank + 1), "lda": 24
    }  # fmt: skip


def test_a_first_fit_that_had_to_load_code_is_made_again(regression, alone, monkeypatch):
    inner, seen = trial.Fits.fit, []

    def fit(fits, workers, limit):
        parts, watch = inner(fits, workers, limit)
        watch.stopped = workers not in seen
        seen.append(workers)
        return parts, watch

    monkeypatch.setattr(trial.Fits, "fit", fit)
    fits = trial.Fits(problem_of("lasso"), *regression, {"alpha": 0.1}, 0)
    fits.begin(10.0, 10.0)
    assert seen == [1, 1, 2, 2]
    assert fits.steps is None

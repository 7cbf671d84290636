"""Sampled dependence: correlations, spectral radius, widths and rejections."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads.diagnosis.dependence import (
    COLUMNS,
    correlations,
    highest,
    measure_dependence,
    rejections,
    spectral_radius,
    width,
)
from strads.diagnosis.trials.problems import problem_of


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 30)) * (rng.random((80, 30)) < 0.5)
    X[:, 7] = 0.0
    X[:, 8] = 2.0 * X[:, 9]
    return X


@pytest.mark.parametrize("layout", [np.asarray, sp.csc_array])
def test_correlations_are_those_of_numpy(X, layout):
    found = correlations(layout(X), centred=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.nan_to_num(np.corrcoef(X.T))
    expected[7, 7] = found[7, 7]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.all(found[7] == 0.0)


@pytest.mark.parametrize("layout", [np.asarray, sp.csc_array])
def test_the_spectral_radius_is_that_of_the_correlations(layout):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 25)) + 2.0 * rng.normal(size=(200, 1)) + 5.0
    largest = np.linalg.eigvalsh(np.corrcoef(X.T))[-1]
    assert spectral_radius(layout(X), rng) == pytest.approx(largest, rel=1e-6)


def test_equal_columns_may_not_move_together(X):
    y = X[:, 8]
    found = measure_dependence(problem_of("lasso"), X, y, 0)
    assert found.largest == pytest.approx(1.0)
    assert list(found.conflicting.values()) == sorted(found.conflicting.values(), reverse=True)
    assert list(found.safe_width.values()) == sorted(found.safe_width.values())
    assert 1 <= found.shotgun_width <= 30
    assert all(1 <= width <= 30 for width in found.safe_width.values())


def test_the_sample_has_the_highest_scores():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2 * COLUMNS))
    y = X[:, 700]
    chosen = highest(X, y)
    assert len(chosen) == COLUMNS
    assert 700 in chosen
    assert np.array_equal(chosen, highest(sp.csc_array(X), y))


@given(st.floats(0.0, 1.0))
def test_more_conflicts_leave_less_room(share):
    assert 1 <= width(share) <= width(share / 2.0)
    assert 0.0 <= rejections(share / 2.0, 16) <= rejections(share, 16) <= 1.0


@given(st.floats(0.001, 0.9))
def test_within_the_width_few_are_put_off(share):
    assert 1.0 - (1.0 - share) ** (width(share) - 1) <= 0.1 + 1e-9


def test_ratings_conflict_that_share_a_user_or_an_item():
    full = sp.csr_array(np.ones((4, 5)))
    found = measure_dependence(problem_of("mf"), full, None, 0)
    assert found.conflicting[0.1] == pytest.approx(1 / 4 + 1 / 5)
    assert math.isnan(found.median)
    tokens = measure_dependence(problem_of("lda"), sp.csr_array(np.full((4, 5), 3)), None, 0)
    assert tokens.conflicting == found.conflicting


def test_of_a_support_vector_machine_rows_are_compared():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    X[1] = X[0]
    found = measure_dependence(problem_of("svm"), X, np.sign(X[:, 0]), 0)
    assert found.sampled == 40
    assert found.largest == pytest.approx(1.0)

"""Factorisations in scikit-learn's hands: cross-validation, grids, pipelines, copies."""

import numba
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from strads import NMF, ImplicitFactorization, MatrixFactorization

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="many fits: compiled only"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
USERS, ITEMS = 60, 20


def taste(seed=0):
    """Users of two tastes, who rate nearly half of the items, those that they like with 5."""
    rng = np.random.default_rng(seed)
    labels = np.arange(USERS) % 2
    likes = labels[:, None] == np.arange(ITEMS) % 2
    known = rng.random(likes.shape) < np.where(likes, 0.7, 0.2)
    noise = 0.1 * rng.normal(size=likes.shape)
    return sp.csr_array(np.where(known, np.where(likes, 5.0, 1.0) + np.abs(noise), 0.0)), labels


ESTIMATORS = {
    "nmf": NMF(2, n_workers=1, max_iter=20),
    "multiplicative": NMF(2, n_workers=1, max_iter=20, solver="mu"),
    "sgd": MatrixFactorization(2, n_workers=1, max_iter=20),
    "als": MatrixFactorization(2, n_workers=1, solver="als"),
    "implicit": ImplicitFactorization(2, n_workers=1),
}
every = pytest.mark.parametrize("name", ESTIMATORS)


@every
def test_cross_validation_judges_users_who_are_not_in_the_fit(name):
    X, _ = taste()
    model = clone(ESTIMATORS[name])
    scores = cross_val_score(model, X, cv=3, error_score="raise")
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, cross_val_score(model, X, cv=3))
    rng = np.random.default_rng(1)
    shuffled = X.copy()
    shuffled.indices = np.concatenate(
        [rng.permutation(ITEMS)[: X.indptr[u + 1] - X.indptr[u]] for u in range(USERS)]
    )
    shuffled.indices = shuffled.indices.astype(X.indices.dtype)  # nothing new is compiled
    shuffled.sort_indices()
    shuffled.data = rng.permutation(shuffled.data)
    assert scores.mean() > cross_val_score(model, shuffled, cv=3).mean()  # taste can be learned


@every
def test_a_grid_finds_the_number_of_components(name):
    X, _ = taste()
    grid = GridSearchCV(
        clone(ESTIMATORS[name]), {"n_components": [1, 2]}, cv=2, error_score="raise"
    )
    grid.fit(X)
    if name != "sgd" and name != "als":  # their biases explain nearly as much
        assert grid.best_params_ == {"n_components": 2}
    assert grid.transform(X).shape == (USERS, grid.best_params_["n_components"])
    assert grid.score(X) == grid.best_estimator_.score(X)


def test_a_strong_penalty_is_not_chosen():
    """A score that counted the ratings of the fold-in would choose the weakest in any case."""
    X, _ = taste()
    for model in (ESTIMATORS["als"], ESTIMATORS["implicit"]):
        grid = GridSearchCV(clone(model), {"regularization": [0.05, 1e4]}, cv=2).fit(X)
        assert grid.best_params_ == {"regularization": 0.05}


@every
def test_a_pipeline_with_a_classifier(name):
    X, labels = taste()
    model = clone(ESTIMATORS[name])
    assert model.get_params() == ESTIMATORS[name].get_params()
    pipeline = make_pipeline(TfidfTransformer(), model, LogisticRegression(C=100.0))
    assert cross_val_score(pipeline, X, labels, cv=3, error_score="raise").mean() > 0.8
    names = [f"{type(model).__name__.lower()}{k}" for k in range(2)]
    assert list(pipeline.fit(X, labels)[1].get_feature_names_out()) == names

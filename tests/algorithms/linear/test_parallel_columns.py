"""Parallel columns: which pairs are found, and which of them carries the weight of a fit."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads import Lasso
from strads.algorithms.linear.solver.members.parallel_columns import ParallelColumns, copied_columns


def some_parallel(seed, n=12, p=20):
    """Few different columns, many multiples of them, a zero column, and one that differs little."""
    rng = np.random.default_rng(seed)
    base = np.where(rng.random((n, 5)) < 0.5, rng.normal(size=(n, 5)), 0.0)
    base[0] = 1.0
    X = base[:, rng.integers(5, size=p)] * rng.choice([1.0, -1.0, 0.5, -2.0], size=p)
    X[:, 3] = 0.0
    X[:, 4] = X[:, 5]
    X[-1, 4] += 1e-6
    return np.asfortranarray(X)


def ratio_of(X, kept, other):
    """The twin: least squares of one column on the other."""
    x, z = X[:, kept], X[:, other]
    ratio = x @ z / (x @ x) if x.any() else 0.0
    return ratio if np.allclose(z, ratio * x, rtol=0, atol=1e-12) else 0.0


@given(seed=st.integers(0, 2**16), sparse=st.booleans(), signed=st.booleans())
def test_every_member_but_the_longest_and_first_is_found(seed, sparse, signed):
    X = some_parallel(seed)
    members = np.random.default_rng(seed).permutation(X.shape[1])
    finder = ParallelColumns(naive.sparse(X) if sparse else X, len(X), signed=signed)
    resting = set()
    for until in (4, 4, 11, 20):
        for kept, other, ratio in finder.among(members[:until]):
            assert ratio == pytest.approx(ratio_of(X, members[kept], members[other]))
            assert ratio > 0.0 or not signed
            resting.add(other)
    norm = np.linalg.norm(X, axis=0)
    for a, j in enumerate(members):
        parallel = [ratio_of(X, k, j) for k in members]
        better = any(
            k != j and (ratio > 0.0 if signed else ratio != 0.0)
            and (norm[k] > norm[j] * (1 + 1e-9) or (norm[k] > norm[j] * (1 - 1e-9) and k < j))
            for k, ratio in zip(members, parallel, strict=True)
        )  # fmt: skip
        assert (a in resting) == (better and norm[j] > 0.0)


@given(seed=st.integers(0, 2**16), sparse=st.booleans())
def test_columns_are_copied(seed, sparse):
    X = some_parallel(seed)
    ids = np.random.default_rng(seed).permutation(20)[:7]
    found = copied_columns(naive.sparse(X) if sparse else X, ids, len(X))
    np.testing.assert_array_equal(found.toarray() if sparse else found, X[:, ids])


@pytest.mark.parametrize("positive", [False, True])
def test_the_first_of_equal_columns_carries_the_weight(positive):
    rng = np.random.default_rng(2)
    X = np.where(rng.random((60, 100)) < 0.3, rng.normal(size=(60, 100)), 0.0)
    y = X[:, :8].sum(axis=1) + 0.1 * rng.normal(size=60)
    order = rng.permutation(300) % 100
    doubled = X[:, order]
    plain = Lasso(1e-2, tol=1e-6, positive=positive).fit(X, y)
    first = np.array([np.flatnonzero(order == j)[0] for j in range(100)])
    for A, workers in ((doubled, 1), (doubled, 2), (sp.csc_array(doubled), 2)):
        fit = Lasso(1e-2, tol=1e-6, positive=positive, n_workers=workers).fit(A, y)
        np.testing.assert_allclose(fit.coef_[first], plain.coef_, atol=1e-11)
        assert np.count_nonzero(fit.coef_) == np.count_nonzero(plain.coef_)
        assert fit.history_[-1]["polished"] > 0

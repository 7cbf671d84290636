"""Small matrices of ratings and of counts, and estimators that factorise them quickly."""

import naive_factors as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp

from strads import NMF, ImplicitFactorization, MatrixFactorization

JIT = not numba.config.DISABLE_JIT
USERS, ITEMS, K = (40, 30, 4) if JIT else (12, 9, 3)
many_epochs = pytest.mark.skipif(not JIT, reason="many epochs: compiled only")


def narrow_ids(chosen):
    """Rows and columns as SciPy numbers those of dense matrices; wider ids are compiled anew."""
    return tuple(ids.astype(np.int32) for ids in np.nonzero(chosen))


def ratings(seed=0, users=USERS, items=ITEMS, share=0.5):
    """Ratings near 3.5 of low rank, with one stored zero."""
    rng = np.random.default_rng(seed)
    full = 3.5 + rng.normal(size=(users, 2)) @ rng.normal(size=(2, items))
    known = rng.random(full.shape) < share
    known[0, 0] = True
    full[0, 0] = 0.0
    return sp.csr_array((full[known], narrow_ids(known)), shape=full.shape)


def counts(seed=0, users=USERS, items=ITEMS):
    X = ratings(seed, users, items, share=0.3)
    X.data = np.ceil(np.abs(X.data))
    return X


def mf(**given):
    return MatrixFactorization(**{"n_components": K, "n_workers": 1, "max_iter": 4} | given)


def implicit(**given):
    return ImplicitFactorization(**{"n_components": K, "n_workers": 1, "max_iter": 4} | given)


def nmf(**given):
    return NMF(**{"n_components": K, "n_workers": 1, "max_iter": 20} | given)


def objective(model, X):
    """The objective of :class:`MatrixFactorization`, as in its docstring."""
    lam, l1 = model.regularization, model.l1 / 2
    return naive.objective(
        X, "ratings", model.user_factors_, model.item_factors_, model.user_biases_,
        model.item_biases_, model.global_mean_, (lam, lam), (l1, l1),
        scaled=model.regularization_scale == "count",
    )  # fmt: skip

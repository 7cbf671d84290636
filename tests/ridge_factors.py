"""A factor model whose users are found by ridge regression, small models of it, and naive twins."""

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD

from strads.algorithms.factorization.fitted.model import FactorModel

N_USERS, N_ITEMS, K = 7, 11, 3


class Ridge(FactorModel):
    """A model with items from an SVD and users by ridge regression."""

    def __init__(self, n_components=K, *, reg=0.1, weights=None, random_state=None, callbacks=None):
        self.n_components = n_components
        self.reg = reg
        self.weights = weights
        self.random_state = random_state
        self.callbacks = callbacks

    def fit(self, X, y=None):
        X = self._ratings(X, reset=True)
        k = min(self.n_components, X.shape[1])
        svd = TruncatedSVD(k, algorithm="randomized", random_state=0).fit(X)
        self.item_factors_ = np.ascontiguousarray(svd.components_.T)
        self.item_biases_, self.global_mean_ = np.zeros(X.shape[1]), 0.0
        self.user_factors_, self.user_biases_ = self._fold_in(X)
        self.seen_ = X
        self.n_iter_ = 1
        return self

    def _fold_in(self, X):
        factors = np.empty((X.shape[0], self.item_factors_.shape[1]), self.item_factors_.dtype)
        for u in range(X.shape[0]):
            part = slice(X.indptr[u], X.indptr[u + 1])
            items = X.indices[part]
            h = self.item_factors_[items]
            b = X.data[part] - self.item_biases_[items] - self.global_mean_
            factors[u] = np.linalg.solve(h.T @ h + self.reg * np.eye(h.shape[1]), h.T @ b)
        return factors, np.zeros(len(factors), factors.dtype)


class Other(Ridge):
    """A subclass that differs only in its name."""


def made(seed=0, dtype=np.float64, ids=False, kind=Ridge):
    rng = np.random.default_rng(seed)
    model = kind()
    model.user_factors_ = rng.normal(size=(N_USERS, K)).astype(dtype)
    model.item_factors_ = rng.normal(size=(N_ITEMS, K)).astype(dtype)
    model.user_biases_ = rng.normal(size=N_USERS).astype(dtype)
    model.item_biases_ = rng.normal(size=N_ITEMS).astype(dtype)
    model.global_mean_ = 3.25
    model.seen_ = sp.random_array(
        (N_USERS, N_ITEMS), density=0.4, format="csr", random_state=seed, dtype=dtype
    )
    model.n_features_in_ = N_ITEMS
    model.n_iter_ = 5
    model.history_ = [{"rmse": 1.5, "epoch": 0}, {"rmse": np.float64(0.1), "epoch": 1}]
    if ids:
        model.user_ids_ = np.array([f"u{u:02}" for u in range(N_USERS)])
        model.item_ids_ = np.arange(N_ITEMS) * 10 + 7
    return model


def everything(model):
    """Naive twin: all predictions, entry by entry."""
    return np.array(
        [
            [
                model.global_mean_ + model.user_biases_[u] + model.item_biases_[i]
                + sum(float(a) * float(b) for a, b in zip(w, h, strict=True))
                for i, h in enumerate(model.item_factors_)
            ]
            for u, w in enumerate(model.user_factors_)
        ]
    )  # fmt: skip


def naive_recommendations(scores, hidden, n, items=None):
    items = range(len(scores)) if items is None else sorted(set(items))
    best = sorted((i for i in items if i not in hidden), key=lambda i: (-scores[i], i))[:n]
    return best + [-1] * (n - len(best)), [*scores[best], *[-np.inf] * (n - len(best))]

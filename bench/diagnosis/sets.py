"""The ten problems on which a diagnosis is compared with fits, and a tiny one of each kind."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

import bench.lasso.data
from bench.harness.files import data_folder, there


class Asked(NamedTuple):
    """A problem: its kind, X and y, and the parameters of the estimator."""

    problem: str
    X: Any
    y: Any
    settings: dict[str, Any]


def lasso(name: str, divisor: float) -> Asked:
    """A Lasso at a share of the largest penalty."""
    X, y = bench.lasso.data.dataset(name)
    alpha = float(np.abs(X.T @ (y - y.mean())).max()) / len(y) / divisor
    return Asked("lasso", X, y, {"alpha": alpha})


def labelled(problem: str, name: str, cost: float) -> Asked:
    """A classifier at a cost C."""
    X, y = bench.lasso.data.dataset(name)
    return Asked(problem, sp.csr_array(X) if problem == "svm" and sp.issparse(X) else X, y,
                 {"C": cost})  # fmt: skip


def ratings(name: str, rank: int, sweeps: int) -> Asked:
    """A factorisation of ratings."""
    with np.load(there(data_folder() / name / "ratings.npz")) as stored:
        places = stored["user"], stored["item"]
        X = sp.csr_array((stored["value"].astype(np.float32), places), shape=tuple(stored["shape"]))
    return Asked("mf", X, None, {"n_components": rank, "max_iter": sweeps, "tol": 0.0})


def counts(name: str, topics: int, sweeps: int) -> Asked:
    """Topics of documents."""
    X = sp.csr_array(sp.load_npz(there(data_folder() / name / "counts.npz")))
    return Asked("lda", X, None, {"n_components": topics, "max_iter": sweeps, "random_state": 0})


def tiny(problem: str) -> Asked:
    """A tiny problem of a kind."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 90))
    y = X[:, :4].sum(axis=1) + 0.1 * rng.standard_normal(60)
    if problem in ("logistic", "svm"):
        return Asked(problem, X, np.sign(y), {"C": 0.1})
    if problem == "lasso":
        return Asked(problem, X, y, {"alpha": 0.1})
    stars = sp.csr_array(rng.integers(1, 6, (40, 30)) * (rng.random((40, 30)) < 0.5))
    asked = {"n_components": 4, "max_iter": 3}
    return Asked(problem, stars.astype(np.float32) if problem == "mf" else stars, None, asked)


#: Name → what loads the problem. The first ten are the default.
SETS: dict[str, Callable[[], Asked]] = {
    "lasso-imdb": lambda: lasso("imdb", 100.0),
    "lasso-20news-bow": lambda: lasso("20news-bow", 100.0),
    "lasso-golub": lambda: lasso("golub", 20.0),
    "lasso-blogfeedback": lambda: lasso("blogfeedback", 30.0),
    "logistic-dorothea": lambda: labelled("logistic", "dorothea", 0.1),
    "svm-w8a": lambda: labelled("svm", "w8a", 0.1),
    "svm-news20": lambda: labelled("svm", "news20", 0.001),
    "mf-ml-1m": lambda: ratings("ml-1m", 40, 20),
    "mf-ml-100k": lambda: ratings("ml-100k", 20, 40),
    "lda-uci-kos": lambda: counts("uci-kos", 50, 20),
    "lda-uci-nips": lambda: counts("uci-nips", 50, 10),
    "lasso-singh": lambda: lasso("singh", 20.0),
    "lasso-mice-snp": lambda: lasso("mice-snp", 5.0),
    "logistic-a9a": lambda: labelled("logistic", "a9a", 0.1),
    "svm-a9a": lambda: labelled("svm", "a9a", 0.1),
    "mf-anime": lambda: ratings("anime", 40, 20),
    **{f"tiny-{name}": (lambda name=name: tiny(name))  # type: ignore[misc]
       for name in ("lasso", "logistic", "svm", "mf", "lda")},
}  # fmt: skip
DEFAULT = tuple(SETS)[:10]

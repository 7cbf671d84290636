"""Compile the kernels of models by fitting each to tiny data of every type that is common."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

import strads
from strads.cli.reports import say, show
from strads.engine import cache_dir, compile_all

#: One fit: what it is, and how to do it.
Fit = tuple[str, Callable[[], Any]]


def warm_up(models: Sequence[str]) -> None:
    """Fit each model to tiny data, with all kernels of its program compiled; print the seconds."""
    rows: list[tuple[str, str]] = []
    with compile_all(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such data need not converge
        for model in models:
            for what, fit in _FITS[model]():
                since = time.perf_counter()
                fit()
                rows.append((f"{model}, {what}", f"{time.perf_counter() - since:.1f} s"))
                say(f"{rows[-1][0]}: {rows[-1][1]}")
    show(f"Compiled code in {cache_dir()}", rows)


def _lasso() -> Iterator[Fit]:
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((40, 60)), np.zeros(60)
    w[:5] = 1.0
    for dtype in (np.float64, np.float32):
        y = (X @ w).astype(dtype)
        model = strads.Lasso(alpha=0.01, n_workers=2)
        for what, given in (("dense", X.astype(dtype)), ("sparse", sp.csc_array(X.astype(dtype)))):
            yield f"{what} {np.dtype(dtype)}", partial(model.fit, given, y)
            path = partial(strads.lasso_path, given, y, alphas=2, n_workers=2)
            yield f"{what} {np.dtype(dtype)}, path", path


def _group() -> Iterator[Fit]:
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((40, 60)), rng.standard_normal((40, 2))
    for what, given in (("dense", np.asfortranarray(X)), ("sparse", sp.csc_array(X))):
        yield f"{what}, groups", partial(strads.GroupLasso(3, 0.1, n_workers=2).fit, given, Y[:, 0])
        yield f"{what}, tasks", partial(strads.MultiTaskLasso(0.1, n_workers=2).fit, given, Y)


def _multinomial() -> Iterator[Fit]:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 60)), rng.integers(3, size=40)
    model = strads.SparseLogisticRegression(multi_class="multinomial", n_workers=2)
    for what, given in (("dense", np.asfortranarray(X)), ("sparse", sp.csc_array(X))):
        yield what, partial(model.fit, given, y)


def _svm() -> Iterator[Fit]:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 60)), rng.integers(8, size=40)
    for dtype in (np.float64, np.float32):
        model = strads.LinearSVC(n_workers=2)
        for what, given in (("dense", X.astype(dtype)), ("sparse", sp.csr_array(X.astype(dtype)))):
            yield f"{what} {np.dtype(dtype)}", partial(model.fit, given, y)


def _ratings() -> sp.csr_array:
    rng = np.random.default_rng(0)
    X = rng.integers(1, 6, (30, 20)) * (rng.random((30, 20)) < 0.4)
    X[:, 0] = X[0] = 1  # nobody without a rating
    return sp.csr_array(X.astype(np.float64))


def _factors(model: Any) -> Iterator[Fit]:
    X = _ratings()
    yield "fit", lambda: model.fit(X)
    yield "transform", lambda: model.transform(X)


def _lda() -> Iterator[Fit]:
    model, X = strads.LatentDirichletAllocation(4, n_workers=2, max_iter=2), _ratings()
    yield "fit", lambda: model.fit(X.astype(np.int64))
    yield "transform", lambda: model.transform(X.astype(np.int64))


def _medlda() -> Iterator[Fit]:
    X = _ratings().astype(np.int64)
    labels = np.arange(X.shape[0]) % 3
    for method in ("dual", "gibbs"):
        model = strads.MedLDA(4, n_workers=2, max_iter=2, method=method)
        yield method, partial(model.fit, X, labels)


def _ising() -> Iterator[Fit]:
    rng = np.random.default_rng(0)
    pairs = sp.triu(sp.random_array((30, 30), density=0.2, random_state=rng), 1)
    whole = pairs.copy()
    whole.data[:] = 1.0  # then a table holds the chances
    for states, what, graph in ((2, "any", pairs), (2, "equal", whole), (3, "any", pairs)):
        model = strads.GraphSampler(states, n_sweeps=2, burn_in=1, n_workers=2)
        yield f"{states} states, {what} couplings", partial(model.fit, (graph + graph.T).tocsr())


def _boltzmann() -> Iterator[Fit]:
    X = np.where(np.random.default_rng(0).random((20, 6)) < 0.5, 1, -1)
    yield "fit", partial(strads.BoltzmannMachine(max_iter=2, n_workers=2).fit, X)


def _graphs(model: Any) -> Iterator[Fit]:
    yield "fit", partial(model.fit, np.random.default_rng(0).standard_normal((40, 12)))


def _dictionary() -> Iterator[Fit]:
    X = np.random.default_rng(0).standard_normal((40, 6))
    learners: list[Any] = [
        strads.DictionaryLearning(4, max_iter=1, n_workers=2),
        strads.MiniBatchDictionaryLearning(4, max_iter=1, n_workers=2),
    ]
    for dtype in (np.float64, np.float32):
        for model, what in zip(learners, ("all signals", "mini-batches"), strict=True):
            yield f"{what} {np.dtype(dtype)}", partial(model.fit_transform, X.astype(dtype))


_FITS: dict[str, Callable[[], Iterator[Fit]]] = {
    "lasso": _lasso,
    "group": _group,
    "multinomial": _multinomial,
    "svm": _svm,
    "mf": lambda: _factors(strads.MatrixFactorization(4, n_workers=2, max_iter=2)),
    "implicit": lambda: _factors(strads.ImplicitFactorization(4, n_workers=2, max_iter=2)),
    "nmf": lambda: _factors(strads.NMF(4, n_workers=2, max_iter=2)),
    "lda": _lda,
    "medlda": _medlda,
    "ising": _ising,
    "boltzmann": _boltzmann,
    "glasso": lambda: _graphs(strads.GraphicalLasso(0.1, n_workers=2)),
    "neighbours": lambda: _graphs(strads.NeighbourhoodSelection(0.1, n_workers=2)),
    "concord": lambda: _graphs(strads.CONCORD(0.1, n_workers=2)),
    "dictionary": _dictionary,
}

"""Our estimators, called as the peers are: the only place of the comparison that names them."""

from __future__ import annotations

import importlib
from typing import Any

import scipy.sparse as sp

from bench.compare.solver import Factors, Setting, Solver

ESTIMATORS = {"explicit": "MatrixFactorization", "implicit": "ImplicitFactorization"}


def solver(kind: str, workers: int, algorithm: str | None = None) -> Solver:
    """Ours with so many workers; takes CSR."""
    given: dict[str, Any] = {"n_workers": workers} | ({"solver": algorithm} if algorithm else {})
    return Solver("strads", lambda X: X, lambda X, setting: _fit(kind, X, setting, given))


def default(kind: str) -> Setting:
    """What our estimator does unless told otherwise."""
    given = _estimator(kind)().get_params()
    return Setting(given["n_components"], given["max_iter"], given["regularization"])


def _estimator(kind: str) -> Any:
    return getattr(importlib.import_module("strads"), ESTIMATORS[kind])


def _fit(kind: str, X: sp.csr_matrix, setting: Setting, given: dict[str, Any]) -> Factors:
    if kind == "implicit":
        given = given | {"confidence": "linear", "alpha": 1.0}
    model = _estimator(kind)(
        setting.rank, regularization=setting.regularization, max_iter=setting.iterations, tol=0,
        random_state=0, **given,
    ).fit(X)  # fmt: skip
    if kind == "implicit":
        return Factors(model.user_factors_, model.item_factors_)
    mean = float(model.global_mean_)
    return Factors(model.user_factors_, model.item_factors_, model.user_biases_,
                   model.item_biases_, mean=mean, unseen=mean)  # fmt: skip

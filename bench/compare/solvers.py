"""Solvers of ratings by name: ours and the peers.

``strads-P`` is ours with P workers, ``strads-als-P`` ours with ``solver="als"``. A peer is an entry
of `bench.compare.peers.PEERS`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterable
from typing import Any

import scipy.sparse as sp

from bench.compare.peers import PEERS
from bench.compare.solver import Factors, Setting, Solver
from bench.harness import command

ESTIMATORS = {"explicit": "MatrixFactorization", "implicit": "ImplicitFactorization"}


def solver(kind: str, name: str) -> Solver:
    """Solver of explicit or implicit ratings by name."""
    if not name.startswith("strads-"):
        return PEERS[kind][name]
    _, *algorithm, workers = name.split("-")
    given: dict[str, Any] = {"n_workers": int(workers)}
    if algorithm:
        given["solver"] = algorithm[0]
    return Solver("strads", lambda X: X, lambda X, setting: _ours(kind, X, setting, given))


def our_default(kind: str) -> Setting:
    """What our estimator does unless told otherwise."""
    given = _estimator(kind)().get_params()
    return Setting(given["n_components"], given["max_iter"], given["regularization"])


def present(kind: str, names: Iterable[str]) -> list[str]:
    """Those that are installed; says which are not."""
    return command.present(names, lambda name: command.importable(solver(kind, name).library))


def version(kind: str, name: str) -> str:
    """Version of a solver's library."""
    return importlib.metadata.version(solver(kind, name).library)


def _estimator(kind: str) -> Any:
    return getattr(importlib.import_module("strads"), ESTIMATORS[kind])


def _ours(kind: str, X: sp.csr_matrix, setting: Setting, given: dict[str, Any]) -> Factors:
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

"""Ours."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.ratings.solvers import Factors

ESTIMATORS = {"explicit": "MatrixFactorization", "implicit": "ImplicitFactorization"}


def estimator(kind: str, **given: Any) -> Any:
    """Our estimator of a kind of ratings."""
    import strads

    return getattr(strads, ESTIMATORS[kind])(**given)


def defaults(kind: str) -> Setting:
    """What our estimator does unless told otherwise."""
    known = estimator(kind).get_params()
    return {"regularization": known["regularization"], "iterations": known["max_iter"]}


def start(problem: Any, setting: Setting) -> Callable[[], Factors]:
    """Fit CSR."""
    X, kind = problem.load().train, problem.kind
    given = {"confidence": "linear", "alpha": 1.0} if kind == "implicit" else {}

    def fit() -> Factors:
        model = estimator(
            kind, n_components=setting["rank"], regularization=setting["regularization"],
            max_iter=setting["iterations"], tol=0, random_state=0, n_workers=setting["workers"],
            **given,
        ).fit(X)  # fmt: skip
        if kind == "implicit":
            return Factors(model.user_factors_, model.item_factors_)
        mean = float(model.global_mean_)
        return Factors(model.user_factors_, model.item_factors_, model.user_biases_,
                       model.item_biases_, mean=mean, unseen=mean)  # fmt: skip

    return fit


SOLVERS = {"strads": Solver("strads", start)}

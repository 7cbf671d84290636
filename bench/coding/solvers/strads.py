"""Ours: all signals in each epoch, or mini-batches."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit to all signals."""
    return _prepared("DictionaryLearning", problem, setting, tol=0.0)


def start_batches(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit to mini-batches."""
    return _prepared(
        "MiniBatchDictionaryLearning", problem, setting, tol=0.0, max_no_improvement=None,
        batch_size=1024,
    )  # fmt: skip


def _prepared(name: str, problem: Any, setting: Setting, **given: Any) -> Callable[[], Any]:
    import strads

    X = problem.load()
    made = getattr(strads, name)(
        problem.atoms, alpha=problem.alpha, max_iter=setting["iterations"], transform_tol=1e-3,
        dict_init=problem.first, n_workers=setting["workers"], **given,
    )  # fmt: skip

    def fit() -> Any:
        model = made.fit(X)
        return model.components_, model

    return fit


SOLVERS = {"strads": Solver("strads", start), "strads-batches": Solver("strads", start_batches)}

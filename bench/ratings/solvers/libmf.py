"""LIBMF: neither mean nor biases; it predicts the mean for users and items that it did not meet."""

import contextlib
import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Hung, Setting, Solver
from bench.ratings.solvers import Factors


def start(problem: Any, setting: Setting) -> Callable[[], Factors]:
    """Fit rows of (user, item, value), as float32."""
    X = problem.load().train
    known = X.tocoo(copy=False)
    rows = np.empty((X.nnz, 3), dtype=np.float32)
    for column, values in enumerate((known.row, known.col, known.data)):
        rows[:, column] = values
    mean = float(X.data.mean(dtype=np.float64))

    def fit() -> Factors:
        with contextlib.redirect_stdout(io.StringIO()):  # what it prints at its first import
            import libmf.mf as module

        lam = setting["regularization"]
        model = module.MF(
            k=setting["rank"], nr_threads=setting["workers"], nr_bins=26,
            nr_iters=setting["iterations"], lambda_p1=0.0, lambda_q1=0.0, lambda_p2=lam,
            lambda_q2=lam, eta=0.1, quiet=True, copy_data=True,
        )  # fmt: skip
        work = 1e-8 * len(rows) * setting["rank"] * setting["iterations"]
        within(10.0 + work, lambda: model.fit(rows))
        users, items = padded(model.p_factors(), X.shape[0]), padded(model.q_factors(), X.shape[1])
        return Factors(users, items, unseen=mean)

    return fit


def within(seconds: float, fit: Callable[[], None]) -> None:
    """Fit in a thread of its own; give the thread up when it hangs.

    LIBMF's main thread lets its workers begin another epoch before it tells them to end. With
    little data the workers may finish that epoch first; then all threads wait for each other for
    ever.
    """
    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Hung(f"LIBMF was still not done after {seconds:.0f} s")


def padded(factors: np.ndarray, rows: int) -> np.ndarray:
    """Add rows of NaN: LIBMF's factors end at the largest id that it met."""
    missing = np.full((rows - len(factors), factors.shape[1]), np.nan, factors.dtype)
    return np.vstack([factors, missing]) if len(missing) else factors


SOLVERS = {"libmf": Solver("libmf", start, only="explicit")}

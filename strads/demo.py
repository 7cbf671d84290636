"""The demonstration of ``strads demo``: a generated Lasso, solved here and by scikit-learn."""

from __future__ import annotations

import time
import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as Reference

from strads.algorithms.linear.regression.lasso import Lasso
from strads.algorithms.linear.solver.duality import lasso_gap

ROWS, FEATURES, PER_COLUMN, PLANTED = 8_000, 120_000, 40, 400
GROUP = 20  # features that share half of their rows, so that some depend on each other
TOL = 1e-6  # of the relative duality gap


class Problem(NamedTuple):
    """A Lasso: min ‖y − Xw − b‖² / 2n + α‖w‖₁."""

    X: sp.csc_array
    y: np.ndarray
    alpha: float


def problem(rows: int = ROWS, features: int = FEATURES, seed: int = 0) -> Problem:
    """Generate X with groups of correlated columns of norm 1, y, and the penalty αmax/20."""
    rng = np.random.default_rng(seed)
    groups = -(-features // GROUP)
    common = rng.integers(rows, size=(groups, PER_COLUMN), dtype=np.int32)
    indices = np.repeat(common, GROUP, axis=0)[:features]
    own = rng.random(indices.shape, dtype=np.float32) < 0.5
    indices[own] = rng.integers(rows, size=int(own.sum()), dtype=np.int32)
    values = rng.standard_normal(indices.size) * 0.3 + 1.0
    ends = np.arange(0, indices.size + 1, PER_COLUMN, dtype=np.int32)
    X = sp.csc_array((values, indices.ravel(), ends), shape=(rows, features))
    X.sum_duplicates()
    X.data /= np.repeat(np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1])), np.diff(X.indptr))
    w = np.zeros(features)
    w[rng.choice(features, min(PLANTED, features), replace=False)] = 1.0
    signal = X @ (w * rng.standard_normal(features))
    y = signal + rng.standard_normal(rows) * signal.std() / 3.0
    return Problem(X, y, float(np.abs(X.T @ (y - y.mean())).max()) / rows / 20)


def demo(console: Console, workers: int = 2, *, features: int = FEATURES) -> bool:
    """Fit a Lasso here and in scikit-learn; return whether the tolerance was certified."""
    given = problem(features=features)
    model = Lasso(given.alpha, n_workers=workers, tol=TOL)
    # Its gap is relative to ‖y‖²; half of that is the objective at zero, which ours is relative to.
    reference = Reference(given.alpha, tol=TOL / 2, max_iter=10_000)

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    say(f"A Lasso with {features:,} variables and {len(given.y):,} samples, penalty αmax/20:")
    first = _seconds(model, given)  # compiles, if nothing has before
    say(_line("strads", model, _seconds(model, given), given) + f"   ({workers} workers)")
    say(_line("scikit-learn", reference, _seconds(reference, given), given))
    say("  (gap: relative duality gap, computed from the weights after the fit)")
    say(_schedule(model))
    say(f"The first fit took {first:.1f} s: kernels are compiled once, then kept.")
    say("Next: strads fit lasso DATA --alpha 0.01")
    return bool(model.dual_gap_ <= model.tol)


def _seconds(model: Any, given: Problem) -> float:
    since = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the line of the result has the gap
        model.fit(given.X, given.y)
    return time.perf_counter() - since


def _line(name: str, model: Any, seconds: float, given: Problem) -> str:
    weights = np.count_nonzero(model.coef_)
    return f"  {name:<13} {seconds:6.2f} s   gap {_gap(model, given):.0e}   {weights:,} weights ≠ 0"


def _gap(model: Any, given: Problem) -> float:
    X, y, alpha = given
    centred = y - y.mean()
    r = y - X @ model.coef_ - model.intercept_
    r -= r.mean()  # the gap of the best intercept
    scores = X.T @ r
    l1 = float(np.abs(model.coef_).sum())
    squares = float(r @ r), float(r @ centred), float(centred @ centred)
    return lasso_gap(*squares, l1, float(np.abs(scores).max()), alpha, len(y)).relative


def _schedule(model: Lasso) -> str:
    """Say in words what the scheduler did."""
    counted = model.statistics_["schedules"]["descend"]
    members = int(max(step["working_set"] for step in model.history_))
    return (
        f"The scheduler dispatched {counted['dispatched']:,} updates of the {members:,} variables "
        "that can\nmatter; those that moved most came first, and "
        f"{counted['deferred']:,} waited for a variable that they\ndepend on. "
        f"All others were only scored, {len(model.history_)} times, to certify the gap."
    )

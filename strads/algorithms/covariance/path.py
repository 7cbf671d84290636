"""Graphical Lassos for several penalties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_scalar

from strads.algorithms.common.fit_series import FitSeries, about
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.covariance.covariances import Covariances
from strads.algorithms.covariance.gaussian_model import from_data
from strads.algorithms.covariance.solution import Solution
from strads.algorithms.covariance.solve import EARLY, Solved, solve, warn_unless_solved
from strads.engine import interrupted, sound
from strads.monitoring import Watch

#: Smallest penalty of a grid that is chosen, divided by the largest.
EPS = 1e-2


def graphical_lasso_path(
    X: Any, alphas: Any = 10, *, assume_centered: bool = False, tol: float = 1e-4,
    max_iter: int = 100, sparse_output: bool = False, n_workers: int | None = None,
    random_state: Any = None, verbose: Any = False, callbacks: Any = None, checkpoint: Any = None,
    resume_from: Any = None, on_interrupt: str = "raise", run_dir: Any = None,
    max_seconds: float | None = None,
) -> tuple[np.ndarray, list[Any], list[Any], np.ndarray]:  # fmt: skip
    """Compute the graphical Lasso for every penalty of a grid.

    The penalties are solved from the largest to the smallest. Components of a larger penalty lie
    within those of a smaller one, so each solution begins from the one before.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    alphas : int or array-like, default=10
        Number of penalties, or the penalties. The largest of a chosen grid is the least that leaves
        no edge, the smallest a hundredth of it.
    assume_centered : bool, default=False
        Whether to take the means as zero.
    tol : float, default=1e-4
        Duality gap to reach for every penalty, as for :class:`strads.GraphicalLasso`.
    max_iter : int, default=100
        Largest number of steps for each penalty.
    sparse_output : bool, default=False
        Whether matrices are returned as sparse arrays.
    n_workers : int, optional
        Number of logical workers; None: one for small problems, else one a core.
    random_state : int, RandomState or None
        Has no effect: nothing is drawn.
    verbose : int, default=0
        1: show how the path goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step; a callable ends the path by returning a true value.
    checkpoint : path or Checkpoint, optional
        Folder in which the fit saves itself after every step; a :class:`strads.Checkpoint` also
        says how often.
    resume_from : path, optional
        Folder of an earlier fit of the same, which goes on with the same bits. It may be that of
        `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C the path ends after the present step, and raises ``KeyboardInterrupt`` or returns
        with an :class:`strads.InterruptedWarning`. At the second Ctrl-C it ends at once.
    run_dir : path, optional
        New folder in which the path writes what it does; see docs/run-folder.md. If it is called
        ``runs``, each path makes a folder of its own in it.
    max_seconds : float, optional
        The path ends after the step in which so many seconds are used up.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Penalties in descending order, as far as the path came.
    covariances : list of {ndarray, CSR array} of shape (n_features, n_features)
        Θ⁻¹ for each of them.
    precisions : list of {ndarray, CSR array} of shape (n_features, n_features)
        Θ for each of them.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps.

    Raises
    ------
    ValueError
        If X or a parameter is invalid, a variable is constant, or there is no estimate: see
        :meth:`strads.GraphicalLasso.fit`.

    Warns
    -----
    ConvergenceWarning, NotCertifiedWarning
        If a gap is above `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import graphical_lasso_path
    >>> X = np.random.default_rng(0).normal(size=(50, 5))
    >>> alphas, covariances, precisions, gaps = graphical_lasso_path(X, alphas=4)
    >>> [int(np.count_nonzero(np.triu(each, 1))) for each in precisions]
    [0, 6, 8, 9]
    """
    if on_interrupt not in ("raise", "return"):
        raise ValueError(f"on_interrupt={on_interrupt!r} must be 'raise' or 'return'")
    X = check_array(sound(X), dtype=np.float64, ensure_min_features=2)
    source = from_data(X, np.zeros(X.shape[1]) if assume_centered else X.mean(axis=0))
    grid = grid_of(alphas, source)
    described = {
        "the fit": "path", "alphas": grid, "X": X, "assume_centered": assume_centered, "tol": tol,
        "max_iter": max_iter,
    }  # fmt: skip
    told = {"penalties": len(grid), "tol": tol, "max_iter": max_iter, "max_seconds": max_seconds}
    watch = Watch(
        verbose=verbose, run_dir=run_dir, max_seconds=max_seconds,
        about=lambda: about("path", told, "graphical_lasso_path", tol),
    )  # fmt: skip
    with FitSeries(
        described, checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
        watch=watch,
    ):  # fmt: skip
        steps = list(solve_path(
            [source], grid, tol=float(tol), max_iter=int(max_iter), n_workers=n_workers,
            seed=seed_of(random_state), instruments=callbacks,
        ))  # fmt: skip
    for solved in steps:
        warn_unless_solved(solved, tol)
    found = [solved.solutions[0] for solved in steps]
    return (
        grid[: len(found)],
        [each.covariance(sparse=sparse_output) for each in found],
        [each.precision(sparse=sparse_output) for each in found],
        np.array([each.gap for each in found]),
    )


def grid_of(alphas: Any, source: Covariances) -> np.ndarray:
    """Return penalties in descending order.

    Raises
    ------
    ValueError, TypeError
        If there is none, or one of them is no positive, finite number.
    """
    if np.ndim(alphas) == 0:
        if not alphas >= 1:
            raise ValueError(f"alphas={alphas!r} must be at least 1, or the penalties")
        largest = max(source.largest(), 1e-10 * float(source.diagonal.max()))
        return np.geomspace(largest, EPS * largest, int(alphas))
    for alpha in alphas:
        check_scalar(alpha, "an entry of alphas", Real, min_val=0.0, include_boundaries="neither")
    grid = np.sort(np.asarray(alphas, np.float64).ravel())[::-1]
    if len(grid) == 0 or not np.all(np.isfinite(grid)):
        raise ValueError("alphas must be finite penalties, at least one")
    return grid


def solve_path(
    sources: Sequence[Covariances], grid: np.ndarray, *, tol: float, **options: Any
) -> Iterator[Solved]:
    """Solve for one penalty after the other, for all sources at once, each from the one before.

    It ends early where a fit is interrupted, out of time, or stopped by a callback; a penalty whose
    run was stopped counts only if it is the first.

    Parameters
    ----------
    sources : list of Covariances
    grid : ndarray
        Penalties in descending order.
    tol : float
    **options
        Further arguments of :func:`~strads.algorithms.covariance.solve.solve`.
    """
    starts: Sequence[Solution | None] | None = None
    for alpha in grid:
        solved = solve(sources, float(alpha), tol=tol, starts=starts, **options)
        stopped = solved.verdict(tol) in (*EARLY, "callback")
        if not stopped or starts is None:
            yield solved
        if stopped or interrupted():
            return
        starts = solved.solutions

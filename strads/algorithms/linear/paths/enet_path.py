"""Paths of the Lasso and the elastic net, as functions that follow scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_X_y

from strads.algorithms.common.fit_series import FitSeries, about
from strads.algorithms.linear.certified.certified_path import PathPoint
from strads.algorithms.linear.certified.path_parts import solve_path
from strads.algorithms.linear.given import (
    FLOATS,
    demand_features,
    laid_out,
    weights_of_samples,
)
from strads.algorithms.linear.grid import grid_of, largest_alpha
from strads.algorithms.linear.mapped.given import in_file, target_beside
from strads.algorithms.linear.mapped.path import MappedPath
from strads.algorithms.linear.messages import warn_of_gaps
from strads.algorithms.linear.multi_task.fit import MultiTaskFit
from strads.algorithms.linear.multi_task.path import TaskPath
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solving import Solving
from strads.engine import sound
from strads.monitoring import Watch


def lasso_path(X: Any, y: Any, **options: Any) -> tuple[Any, ...]:
    """Compute the Lasso for every penalty of a grid: :func:`enet_path` with ``l1_ratio=1``.

    Parameters
    ----------
    X, y, **options
        See :func:`enet_path`; there is no `l1_ratio`.

    Returns
    -------
    alphas, coefs, dual_gaps : ndarray
        And the numbers of epochs with ``return_n_iter``.

    Examples
    --------
    >>> from strads import lasso_path
    >>> alphas, coefs, gaps = lasso_path([[1.0, 0.0], [0.0, 1.0]], [2.0, 1.0], alphas=[1.0, 0.25])
    >>> coefs.round(2)
    array([[0. , 1.5],
           [0. , 0.5]])
    """
    if "l1_ratio" in options:
        raise TypeError("lasso_path() has no l1_ratio: use enet_path")
    return enet_path(X, y, l1_ratio=1.0, **options)


def enet_path(
    X: Any, y: Any, *, l1_ratio: float = 0.5, eps: float = 1e-3,
    alphas: int | Sequence[float] | np.ndarray | None = None, n_alphas: int | None = None,
    precompute: Any = "auto", Xy: Any = None, copy_X: bool = True, coef_init: Any = None,
    verbose: Any = False, return_n_iter: bool = False, positive: bool = False,
    check_input: bool = True, fit_intercept: bool = False, sample_weight: Any = None,
    tol: float = 1e-6, max_iter: int = 100_000, n_workers: int | None = None,
    random_state: Any = None, callbacks: Any = None, checkpoint: Any = None,
    resume_from: Any = None, on_interrupt: str = "raise", run_dir: Any = None,
    max_seconds: float | None = None, max_memory: Any = None,
) -> tuple[Any, ...]:  # fmt: skip
    r"""Compute the elastic net for every penalty of a grid, in one run.

    .. math:: \min_w \frac{1}{2n} \|y - Xw\|_2^2 + \alpha \rho \|w\|_1
              + \frac{\alpha (1 - \rho)}{2} \|w\|_2^2

    The penalties are solved from the largest to the smallest. Each begins with the working set, its
    inner products, the residual and the scores of the one before.

    Parameters
    ----------
    X : {array-like, sparse matrix, MappedMatrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        With two dimensions the models are those of :class:`strads.MultiTaskElasticNet`, and each is
        a run that starts from the weights of the one before.
    l1_ratio : float, default=0.5
        ρ, from 0 to 1.
    eps : float, default=1e-3
        Smallest penalty divided by the largest, if the grid is chosen.
    alphas : int or array-like, optional
        Number of penalties, or the penalties themselves; None: 100 of them. The largest of a chosen
        grid is the least that leaves no weight.
    n_alphas : int, optional
        The number of penalties, as it was given in earlier versions of scikit-learn.
    precompute, Xy, copy_X, check_input
        Have no effect; they are there for calls written for scikit-learn.
    coef_init : array-like of shape (n_features,) or (n_targets, n_features), optional
        Weights to start from.
    return_n_iter : bool, default=False
        Whether to return the numbers of epochs, too.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    fit_intercept : bool, default=False
        Whether the model has an intercept, which is not returned; scikit-learn's functions have
        none.
    sample_weight : array-like of shape (n_samples,), optional
        Weights of the squared errors; they are rescaled so that their sum is n_samples.
    tol : float, default=1e-6
        Relative duality gap to reach at every penalty, as for :class:`strads.ElasticNet`.
    max_iter : int, default=100000
        Largest number of epochs for each penalty.
    n_workers : int, optional
        Number of workers; None: by the size of the data. They share each penalty where X is large,
        and take parts of the grid otherwise.
    random_state : int, RandomState or None
        Seed of the schedule.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every full pass; a callable ends the path by returning a true value.
    checkpoint : path or Checkpoint, optional
        Folder in which the fit saves itself after every step; a :class:`strads.Checkpoint` also
        says how often.
    resume_from : path, optional
        Folder of an earlier fit of the same, which goes on with the same bits. It may be that of
        `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C the fit ends after the present step, keeps its model, and raises
        ``KeyboardInterrupt``, or returns with an :class:`strads.InterruptedWarning`. At the second
        Ctrl-C it ends at once.
    verbose : int, default=0
        1: show how the path goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    run_dir : path, optional
        New folder in which the path writes what it does; see docs/run-folder.md. If it is called
        ``runs``, each path makes a folder of its own in it.
    max_seconds : float, optional
        The path ends after the step in which so many seconds are used up.
    max_memory : int or str, optional
        For X that stays in its file: see docs/larger-than-memory.md. The path ends where a support
        does not fit below it.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Penalties in descending order, as far as the path came.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        Weights for each of them.
    dual_gaps : ndarray of shape (n_alphas,)
        Upper bounds on the relative duality gaps.
    n_iters : list of int
        Numbers of epochs, with ``return_n_iter`` only.

    Raises
    ------
    ValueError
        If X, y or a parameter is invalid; if y has two dimensions and `positive` is set.

    Warns
    -----
    ConvergenceWarning
        If a gap is above `tol`.
    UserWarning
        If the path ends at the limit on memory.
    """
    options = SimpleNamespace(
        n_workers=n_workers, max_memory=max_memory, tol=tol, max_iter=max_iter,
        fit_intercept=fit_intercept, positive=positive, random_state=random_state,
        callbacks=callbacks,
    )  # fmt: skip
    mapped = in_file(options, X)
    if mapped is not None:
        X, y = mapped, target_beside(options, mapped, y)
    else:
        X, y = check_X_y(
            sound(X), sound(y, "y"), accept_sparse=("csc", "csr"), order="F", dtype=FLOATS,
            y_numeric=True, multi_output=True,
        )  # fmt: skip
        X, y = laid_out(X), np.asarray(y, np.float64)
    _demand_share("l1_ratio", l1_ratio)
    _demand_goal(tol, max_iter)
    if on_interrupt not in ("raise", "return"):
        raise ValueError(f"on_interrupt={on_interrupt!r} must be 'raise' or 'return'")
    if positive and y.ndim == 2:
        raise ValueError("positive=True needs y of one dimension: several targets share one norm")
    if coef_init is not None:
        coef_init = np.asarray(coef_init, np.float64)
        demand_features(coef_init, X.shape[1])
        if coef_init.shape != (*y.shape[1:], X.shape[1]):
            raise ValueError(
                f"coef_init is of shape {coef_init.shape}, but must have shape "
                f"{(*y.shape[1:], X.shape[1])}"
            )
    weights = weights_of_samples(sample_weight, X)
    wanted = alphas if alphas is not None else 100 if n_alphas is None else n_alphas
    path = None
    if mapped is not None:
        path = MappedPath(options, mapped, y, weights, start=coef_init)
        largest = path.largest
    else:
        largest = largest_alpha(X, y, weights, centred=fit_intercept, positive=positive)
    grid = grid_of(wanted, eps, largest, l1_ratio)
    described = {
        "the fit": "path", "l1_ratio": l1_ratio, "alphas": grid, "y": y, "sample_weight": weights,
        "coef_init": coef_init, "positive": positive, "fit_intercept": fit_intercept, "tol": tol,
        "max_iter": max_iter,
    }  # fmt: skip
    told = {"l1_ratio": l1_ratio, "penalties": len(grid), "tol": tol, "max_iter": max_iter}
    watch = Watch(
        verbose=verbose, run_dir=run_dir, max_seconds=max_seconds,
        about=lambda: about("path", {**told, "max_seconds": max_seconds}, "enet_path", tol),
    )  # fmt: skip
    penalties = [Penalty.mixed(alpha, l1_ratio) for alpha in grid]
    solving = Solving(tol, max_iter, n_workers, random_state, callbacks)
    with FitSeries(
        described, checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
        watch=watch,
    ):  # fmt: skip
        if path is not None:
            points = path.solve(penalties)
        elif y.ndim == 2:
            points = TaskPath(
                MultiTaskFit(X, y, weights, fit_intercept), penalties,
                solving, start=coef_init,
            ).solve()  # fmt: skip
        else:
            points = solve_path(
                X, y, weights, penalties, solving=solving, start=coef_init, centred=fit_intercept,
                positive=positive,
            )  # fmt: skip
    grid = grid[: len(points)]
    coefs = weights_by_penalty(points, (*y.shape[1:], X.shape[1]), X.dtype)
    gaps = np.array([point.gap for point in points])
    warn_of_gaps(gaps, tol)
    if return_n_iter:
        return grid, coefs, gaps, [max(1, point.epochs) for point in points]
    return grid, coefs, gaps


def weights_by_penalty(
    points: Sequence[PathPoint], shape: tuple[int, ...], dtype: Any
) -> np.ndarray:
    """Return the weights of all models, one after another along the last dimension.

    Parameters
    ----------
    points : sequence of PathPoint
    shape : tuple of int
        Of one model's weights: the number of features, and that of the targets before it if there
        are several.
    dtype
    """
    coefs = np.zeros((*shape, len(points)), dtype, order="F")
    for k, point in enumerate(points):
        coefs[..., point.ids, k] = point.values.T
    return coefs


def _demand_share(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name}={value!r} must be from 0 to 1")


def _demand_goal(tol: float, max_iter: int) -> None:
    if not 0.0 <= tol < np.inf:
        raise ValueError(f"tol={tol!r} must be a finite number, 0 or more: a relative duality gap")
    if max_iter < 1 or max_iter != int(max_iter):
        raise ValueError(f"max_iter={max_iter!r} must be a whole number of epochs, at least 1")

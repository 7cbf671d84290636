"""Linear support vector machines for every C of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.classification.linear_svc import LinearSVC
from strads.algorithms.linear.given import laid_out
from strads.algorithms.linear.paths.warm_fits import stacked_fits


class SVCPath(NamedTuple):
    """Models of a grid of C, in ascending order of C.

    Attributes
    ----------
    Cs : ndarray of shape (n_Cs,)
    coefs : ndarray of shape (n_models, n_features, n_Cs)
        Weights; there is one model for two classes, else one for each class.
    intercepts : ndarray of shape (n_models, n_Cs)
    dual_gaps : ndarray of shape (n_models, n_Cs)
        Upper bounds on the relative duality gaps.
    n_iter : list of int
        Epochs and steps that each C took.
    """

    Cs: np.ndarray
    coefs: np.ndarray
    intercepts: np.ndarray
    dual_gaps: np.ndarray
    n_iter: list[int]


def svc_path(
    X: Any, y: Any, *, Cs: int | Sequence[float] = 10, sample_weight: Any = None, **params: Any
) -> SVCPath:
    """Fit :class:`strads.LinearSVC` for every C of a grid, each from the model before.

    The grid is fitted in ascending order: where C is small, most samples are at their bound, and
    the model is found fast.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        A CSR matrix or an array in C order is used without a copy; anything else is converted once.
    y : array-like of shape (n_samples,)
        Labels.
    Cs : int or sequence of float, default=10
        A number stands for so many from 1e-4 to 1e4, evenly spaced in logarithm.
    sample_weight : float or ndarray of shape (n_samples,), optional
        Weights of the samples.
    **params
        Other parameters of :class:`strads.LinearSVC`.

    Returns
    -------
    SVCPath
        ``Cs, coefs, intercepts, dual_gaps, n_iter``.

    Raises
    ------
    ValueError
        If C or `warm_start` is among the parameters, if a C is not positive, or as
        :meth:`strads.LinearSVC.fit` says.

    Examples
    --------
    >>> from strads import svc_path
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    >>> svc_path(X, y, Cs=[1.0, 0.1]).coefs.round(2)
    array([[[0.27, 0.63]]])
    """
    for name in ("C", "warm_start"):
        if name in params:
            raise ValueError(f"svc_path sets {name} itself; the grid is Cs")
    grid = _grid(Cs)
    X = laid_out(X if sp.issparse(X) else np.asarray(X), rows=params.get("penalty", "l2") == "l2")
    model = LinearSVC(warm_start=True, **params)
    return SVCPath(*stacked_fits(model, "C", grid, X, y, sample_weight, _figures))


def _figures(fit: LinearSVC) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    gaps, epochs = np.ravel(fit.dual_gap_), int(np.max(fit.n_iter_))
    return np.atleast_2d(fit.coef_), np.ravel(fit.intercept_), gaps, epochs


def _grid(Cs: Any) -> np.ndarray:
    if isinstance(Cs, Integral) and not isinstance(Cs, bool) and int(Cs) >= 1:
        return np.logspace(-4.0, 4.0, int(Cs))
    try:
        grid = np.sort(np.asarray(Cs, dtype=np.float64))
    except (TypeError, ValueError):
        grid = np.empty(0)
    if grid.ndim != 1 or len(grid) == 0 or not np.all((grid > 0.0) & np.isfinite(grid)):
        raise ValueError(f"Cs={Cs!r} must be a number of penalties, or a list of positive ones")
    return grid

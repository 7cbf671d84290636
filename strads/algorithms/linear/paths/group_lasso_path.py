"""The group Lasso for a sequence of penalties, each fit started from the one before."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from strads.algorithms.linear.given import checked, weights_of_samples
from strads.algorithms.linear.grid import grid_of, scores_at_zero
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.paths.warm_fits import stacked_fits
from strads.algorithms.linear.regression.group_lasso import GroupLasso


class GroupLassoPath(NamedTuple):
    """What :func:`group_lasso_path` returns.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        Penalties in descending order, as far as the path came.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        Weights for each of them.
    intercepts : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
    dual_gaps : ndarray of shape (n_alphas,)
        Upper bounds on the relative duality gaps.
    n_iter : list of int
        Numbers of epochs.
    """

    alphas: np.ndarray
    coefs: np.ndarray
    intercepts: np.ndarray
    dual_gaps: np.ndarray
    n_iter: list[int]


def group_lasso_path(
    X: Any, y: Any, groups: Any = 1, *, alphas: Any = 100, eps: float = 1e-3,
    sample_weight: Any = None, **params: Any,
) -> GroupLassoPath:  # fmt: skip
    """Fit a group Lasso for every penalty of a grid, from the largest to the smallest.

    Every fit starts from the weights of the one before, and has a certificate of its own.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
    groups : int, list of int, or list of lists of int, default=1
        See :class:`strads.GroupLasso`.
    alphas : int or array-like, default=100
        Number of penalties, or the penalties. The largest of a chosen grid is the least that leaves
        no weight.
    eps : float, default=1e-3
        Smallest penalty divided by the largest, if the grid is chosen.
    sample_weight : float or ndarray of shape (n_samples,), optional
        Weights of the squared errors.
    **params
        Further parameters of :class:`strads.GroupLasso`.

    Returns
    -------
    GroupLassoPath
        ``alphas, coefs, intercepts, dual_gaps, n_iter``.

    Raises
    ------
    ValueError
        If `alpha` or `warm_start` is among the parameters, if `eps` or a penalty is invalid, or as
        :meth:`strads.GroupLasso.fit` says.

    Examples
    --------
    >>> from strads import group_lasso_path
    >>> X = [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [2.0, 1.0, 1.0]]
    >>> path = group_lasso_path(X, [0.0, 1.0, 2.0], [2, 1], alphas=[0.1, 0.5])
    >>> path.alphas, path.coefs.round(2)[:, 1]
    (array([0.5, 0.1]), array([0.65, 0.25, 0.  ]))
    """
    for name in ("alpha", "warm_start"):
        if name in params:
            raise ValueError(f"group_lasso_path sets {name} itself; the grid is alphas")
    if not 0.0 < eps < np.inf:
        raise ValueError(f"eps={eps!r} must be a positive number: the smallest penalty / largest")
    model = GroupLasso(groups, warm_start=True, **params)
    model._validate_params()
    X, y = checked(model, X, y, several=True)
    weights, targets = weights_of_samples(sample_weight, X), y.reshape(len(y), -1)
    scores = scores_at_zero(X, targets, weights, centred=model.fit_intercept)
    partition = Groups(groups, model.weights, X.shape[1])
    largest = partition.largest_alpha(scores, positive=model.positive)
    grid = grid_of(alphas, eps, largest, 1.0)
    return GroupLassoPath(*stacked_fits(model, "alpha", grid, X, y, sample_weight, _figures))


def _figures(fit: GroupLasso) -> tuple[np.ndarray, Any, float, int]:
    return fit.coef_, fit.intercept_, fit.dual_gap_, fit.n_iter_

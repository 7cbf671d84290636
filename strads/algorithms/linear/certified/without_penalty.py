"""Dual points for features without a penalty: the certificate's part of their treatment."""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.certified.centring import Columns, shifted_entries
from strads.algorithms.linear.solver.members.span import Span, what_is_left


def orthogonal_to(
    columns: Columns, r: np.ndarray, free: np.ndarray, moved: np.ndarray, ridge: np.ndarray,
    norm_y: float, limits: np.ndarray,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Return a residual without its part in the span of some columns, and what the dual loses.

    Parameters
    ----------
    columns : Columns
    r : ndarray of shape (n,)
    free : ndarray of int
        Columns without a penalty.
    moved : ndarray of shape (len(free),)
        Their weights, in the units of the columns.
    ridge : ndarray of shape (len(free),)
        Nβ in these units.
    norm_y : float
    limits : ndarray
        Penalties of all columns times N.

    Returns
    -------
    theta : ndarray of shape (n,)
    lost : float
        As :func:`~strads.algorithms.linear.solver.members.span.what_is_left` bounds it.
    """
    root = np.sqrt(columns.weight)
    dense = dense_columns(columns, free)
    longer = root * r
    if np.any(ridge > 0.0):
        dense = np.vstack([dense, np.diag(np.sqrt(ridge))])
        longer = np.append(longer, -np.sqrt(ridge) * moved)
    span = Span(dense)
    projected = span.without(longer)
    counted = root > 0.0
    theta = np.divide(projected[: len(r)], root, out=np.zeros(len(r)), where=counted)
    held = np.ones(columns.count, np.bool_)
    held[free] = False
    held &= np.isfinite(limits) & (columns.norm > 0.0)
    with np.errstate(divide="ignore"):
        longest = float((columns.norm[held] / limits[held]).max(initial=0.0))
    return theta, what_is_left(span.left_in(projected), norm_y, longest)


def dense_columns(columns: Columns, ids: np.ndarray) -> np.ndarray:
    """Return shifted columns as they enter norms: centred, and rows times √weight."""
    columns, ids = columns.local(ids)
    n = len(columns.weight)
    found = np.zeros((n, len(ids)))
    rows, values = np.empty(n, np.int64), np.empty(n)
    for k, j in enumerate(ids):
        count = shifted_entries(
            columns.matrix, j, columns.exponent[j], columns.reference[j], columns.weight, rows,
            values,
        )  # fmt: skip
        found[rows[:count], k] = values[:count]
    return np.sqrt(columns.weight)[:, None] * (found - columns.rest[ids])

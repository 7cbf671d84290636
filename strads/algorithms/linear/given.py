"""Checks of what users give to linear models: X, y, weights of samples, weights to start from."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from strads.algorithms.linear.mapped.given import features_of, in_file, target_beside
from strads.datasets import MappedMatrix
from strads.engine import sound

#: Types of X that are used as they are.
FLOATS = (np.float64, np.float32)


def checked(
    model: Any, X: Any, y: Any, *, several: bool = False, rows: bool = False
) -> tuple[Any, np.ndarray]:
    """Validate X and y as scikit-learn does; return them in the layout that the solver takes.

    Parameters
    ----------
    model : estimator
        Gets ``n_features_in_`` and, from a data frame, ``feature_names_in_``.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
    several : bool
        Whether there may be several targets.
    rows : bool
        Whether the solver reads X by rows.

    Returns
    -------
    X : csc_array, ndarray in Fortran order, or MappedMatrix
        With `rows`, a csr_array or in C order.
    y : ndarray of float64

    Raises
    ------
    ValueError
        If X or y is invalid.
    """
    shape: tuple[int, ...] = np.shape(y) if isinstance(y, list) else getattr(y, "shape", ())
    several = several and len(shape) == 2 and shape[1] > 1
    if not several:
        demand_one_target(y)
    mapped = in_file(model, X)
    if mapped is not None:
        return mapped, target_beside(model, mapped, y, several=several)
    X, y = validate_data(
        model, sound(X), sound(y, "y"), accept_sparse=("csc", "csr"),
        order="C" if rows else "F", dtype=FLOATS, y_numeric=True, accept_large_sparse=True,
        multi_output=several,
    )  # fmt: skip
    return laid_out(X, rows), np.asarray(y, dtype=np.float64)


def checked_tasks(model: Any, X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Do the same as :func:`checked` for targets that must have two dimensions.

    Raises
    ------
    ValueError
        If X or y is invalid, or y has one dimension.
    """
    X, y = validate_data(
        model, sound(X), sound(y, "y"), accept_sparse=("csc", "csr"), order="F", dtype=FLOATS,
        y_numeric=True, accept_large_sparse=True, multi_output=True,
    )  # fmt: skip
    if y.ndim == 1:
        raise ValueError(
            f"For mono-task outputs, use {type(model).__name__.removeprefix('MultiTask')}: y has "
            "one dimension, and must have a column for each target"
        )
    return laid_out(X), np.asarray(y, dtype=np.float64)


def checked_labels(
    model: Any, X: Any, y: Any, *, rows: bool = False
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Validate X and labels as scikit-learn does.

    Parameters
    ----------
    model : estimator
        Gets ``n_features_in_`` and, from a data frame, ``feature_names_in_``.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    rows : bool
        Whether the solver reads X by rows.

    Returns
    -------
    X : csc_array, ndarray in Fortran order, or MappedMatrix
        With `rows`, a csr_array or in C order.
    labels : ndarray of shape (n_classes,)
        The distinct labels, sorted.
    y : ndarray of shape (n_samples,)
        Their numbers.

    Raises
    ------
    ValueError
        If X or y is invalid, or there are fewer than two labels.
    """
    mapped = in_file(model, X)
    if mapped is None:
        X, y = validate_data(
            model, sound(X), y, accept_sparse=("csc", "csr"), order="C" if rows else "F",
            dtype=FLOATS, accept_large_sparse=True,
        )  # fmt: skip
    else:
        y = column_or_1d(y, warn=True)
        check_consistent_length(np.empty(mapped.shape[0], np.uint8), y)
        features_of(model, mapped)
    check_classification_targets(y)
    labels, numbers = np.unique(y, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(
            f"{type(model).__name__} needs samples of at least 2 classes, but the data contains "
            f"only one class: {labels[0]!r}"
        )
    return (laid_out(X, rows) if mapped is None else mapped), labels, numbers


def unchecked(model: Any, X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Do the same as :func:`checked` for data that the user vouches for; see `Lasso.fit`."""
    if in_file(model, X) is not None:
        return checked(model, X, y, several=True)
    X, y = sound(X), np.asarray(y, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] == 1:
        y = y.ravel()
    right = sp.issparse(X) or (isinstance(X, np.ndarray) and X.ndim == 2)
    if not (right and X.dtype in FLOATS):
        raise ValueError(
            "check_input=False: X must be a float64 or float32 array of shape (n_samples, "
            "n_features) or a CSC matrix; leave check_input out to have X converted"
        )
    if len(y) != X.shape[0]:
        raise ValueError(f"check_input=False: X has {X.shape[0]} rows, y has {len(y)} entries")
    model.n_features_in_ = X.shape[1]
    return laid_out(X), y


def to_predict(model: Any, X: Any) -> Any:
    """Validate samples to predict.

    Raises
    ------
    NotFittedError
        If the model has not been fitted.
    ValueError
        If X is invalid or has another number of features than in the fit.
    """
    check_is_fitted(model)
    if isinstance(X, MappedMatrix):
        if X.shape[1] != model.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(model).__name__} is expecting "
                f"{model.n_features_in_} features as input"
            )
        return X
    return validate_data(model, sound(X), accept_sparse=("csc", "csr"), dtype=FLOATS, reset=False)


def laid_out(X: Any, rows: bool = False) -> Any:
    """Return X by columns, or by rows, which is no copy if it is so already."""
    if rows:
        return sp.csr_array(X) if sp.issparse(X) else np.ascontiguousarray(X)
    return sp.csc_array(X) if sp.issparse(X) else np.asfortranarray(X)


def demand_one_target(y: Any) -> None:
    """Refuse several targets, and say what fits them."""
    shape: tuple[int, ...] = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {shape} instead. Lasso and ElasticNet "
            "fit each column of y by itself; to choose a penalty for each, use "
            "sklearn.multioutput.MultiOutputRegressor(LassoCV(…))"
        )


def demand_features(start: np.ndarray, n_features: int) -> None:
    """Refuse weights to start from that are of another number of features."""
    if np.shape(start)[-1:] != (n_features,):
        raise ValueError(
            f"warm_start: the last fit had {np.shape(start)[-1]} features, X has {n_features}"
        )


def weights_of_samples(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Validate the weights of the samples; return None for equal weights.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are zero.
    """
    if sample_weight is None or isinstance(sample_weight, Number):
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.max() > 0:
        raise ValueError("sample_weight sums to zero: no sample counts")
    return weights


def check_loss(loss: Any, y: np.ndarray, weights: np.ndarray | None, *, centred: bool) -> None:
    """Refuse a loss that does not say how curved it is, and targets that it does not take.

    Raises
    ------
    ValueError
        Also by the loss.
    """
    smoothness = getattr(loss, "smoothness", None)
    if loss is not None and (smoothness is None or not smoothness > 0.0):
        raise ValueError(f"loss={loss!r} needs a positive attribute smoothness; see strads.Loss")
    if smoothness == np.inf and not hasattr(loss, "growth"):
        raise ValueError(f"loss={loss!r} with smoothness=inf needs an attribute growth")
    if hasattr(loss, "check"):
        loss.check(y if weights is None else y[weights > 0.0], centred=centred)


def demand_squares(X: Any) -> float:
    """Refuse X whose squares overflow; return the size of its largest entry.

    Raises
    ------
    ValueError
        If sums of squares may leave the range of numbers.
    """
    values = X.data if sp.issparse(X) else X
    largest = float(max(values.max(initial=0.0), -values.min(initial=0.0)))
    if not largest < 1e150 / max(1, X.shape[1]):
        raise ValueError(
            f"X has an entry of size {largest:.1e}, whose square is not in the range of numbers; "
            "scale the features"
        )
    return largest

"""Labels of documents as signs: one column for each of more than two classes, or each label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target


class Labels(NamedTuple):
    """What the documents are labelled with.

    Attributes
    ----------
    classes : ndarray
        The distinct labels, sorted; of several labels a document, the numbers of the columns.
    signs : ndarray of int8, shape (documents, labels)
        1 where a document has the label, and −1 elsewhere. Two classes have one column, for the
        second.
    several : bool
        Whether a document may have several labels, or none.
    """

    classes: np.ndarray
    signs: np.ndarray
    several: bool


def labels_of(name: str, X: Any, y: Any) -> Labels:
    """Read labels as scikit-learn does.

    Parameters
    ----------
    name : str
        Name of the estimator, for messages.
    X : matrix
        The documents, of which there must be as many.
    y : array-like of shape (documents,), or {array, sparse matrix} of shape (documents, labels)
        A label for each document, or an indicator: 1 where a document has a label, else 0.

    Raises
    ------
    ValueError
        If y is missing or of another length than X; if it holds numbers that are no labels, or
        labels of several types; or if there are fewer than two classes.
    """
    if y is None:
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None; for topics "
            "without labels use LatentDirichletAllocation"
        )
    if not sp.issparse(y):
        y = np.asarray(y)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
    check_consistent_length(X, y)
    try:
        check_classification_targets(y)
        if type_of_target(y, input_name="y") == "multilabel-indicator":
            there = np.asarray(y.todense() if sp.issparse(y) else y) > 0
            return Labels(np.arange(there.shape[1]), signs_of(there), True)
        classes, numbers = np.unique(column_or_1d(y, warn=True), return_inverse=True)
    except TypeError as error:
        raise ValueError(
            "y holds labels of several types, which have no order: give strings alone, or numbers "
            "alone"
        ) from error
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes, but the data contains only one class: "
            f"{classes.tolist()[0]!r}"
        )
    if len(classes) == 2:
        return Labels(classes, signs_of(numbers[:, None] == 1), False)
    return Labels(classes, signs_of(numbers[:, None] == np.arange(len(classes))), False)


def signs_of(there: np.ndarray) -> np.ndarray:
    """Return 1 for true and −1 for false."""
    return np.where(there, 1, -1).astype(np.int8)

"""What users give together with a matrix that is in a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d

from strads.datasets import MappedMatrix, as_mapped
from strads.engine import sound


def in_file(model: Any, X: Any) -> MappedMatrix | None:
    """Return X as a mapped matrix; None if it is in memory, and is to be fitted there.

    Raises
    ------
    TypeError
        If X stays in its file, and the model has no parameter `max_memory`.
    ValueError
        If `max_memory` is given, and X is in memory.
    """
    if isinstance(X, MappedMatrix):
        if not hasattr(model, "max_memory"):
            raise TypeError(
                f"{type(model).__name__} needs X in memory, but {X!r} stays in its file: read it "
                "with strads.datasets.read_matrix, or use an estimator with the parameter "
                "max_memory, such as Lasso, LassoCV or SparseLogisticRegression"
            )
        return X
    if getattr(model, "max_memory", None) is None:
        return None
    found = as_mapped(X)
    if found is None:
        raise ValueError(
            "max_memory is for X that stays in its file: give strads.datasets.map_matrix(path), or "
            "a read-only np.memmap, or leave max_memory out"
        )
    return found


def target_beside(model: Any, X: MappedMatrix, y: Any, *, several: bool = False) -> np.ndarray:
    """Validate the targets that belong to a mapped matrix; the model gets ``n_features_in_``.

    Raises
    ------
    ValueError
        If y is invalid, or has not one entry for each row.
    """
    if y is None:
        raise ValueError(
            f"{type(model).__name__} requires y to be passed, but the target y is None"
        )
    found = check_array(sound(y, "y"), ensure_2d=False, dtype=np.float64, input_name="y")
    if not several or found.ndim == 1 or found.shape[1] == 1:
        found = column_or_1d(found, warn=True)
    check_consistent_length(np.empty(X.shape[0], np.uint8), found)
    features_of(model, X)
    return np.asarray(found, np.float64)


def features_of(model: Any, X: MappedMatrix) -> None:
    """Note the number of features; files have no names for them."""
    model.n_features_in_ = X.shape[1]
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_

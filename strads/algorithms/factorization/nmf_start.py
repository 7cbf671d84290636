"""Start values of NMF: those of scikit-learn, or the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import _nmf as reference
from sklearn.utils.validation import check_array, check_non_negative


def start_values(
    X: Any, n_components: Any, init: str | None, random_state: Any, W: Any, H: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the start values of W and H.

    Parameters
    ----------
    X : csr_array of shape (n_samples, n_features)
        The checked data.
    n_components : int, None or "auto"
        Number of components; "auto": as many as a given H has, else one a feature, as with None.
    init : {"random", "nndsvd", "nndsvda", "nndsvdar", "custom"}, optional
        "custom": W and H are used as they are. Otherwise scikit-learn computes the values; with
        None by "nndsvda" or, with more components than rows or columns, "random".
    random_state : int or RandomState
        Seed of scikit-learn's random numbers.
    W : ndarray of shape (n_samples, n_components), optional
        See `init`.
    H : ndarray of shape (n_components, n_features), optional
        See `init`.

    Returns
    -------
    W, H : ndarray
        In the type of X.

    Raises
    ------
    ValueError
        If `init` needs fewer components, or W or H is missing, of a wrong shape, or invalid.
    TypeError
        If W or H has another dtype than X.
    """
    k = components_of(X, n_components, H if init == "custom" else None)
    if init == "custom":
        n, p = X.shape
        W, H = _own(W, (n, k), "W", X.dtype), _own(H, (k, p), "H", X.dtype)
        return W, H
    found = reference._initialize_nmf(X, k, init=init, random_state=random_state)
    W, H = (np.asarray(factor, dtype=X.dtype) for factor in found)
    return W, H


def components_of(X: Any, n_components: Any, H: Any) -> int:
    """Return the number of components; `H` has as many rows, if it is given."""
    if n_components == "auto" and H is not None:
        return len(H)
    return X.shape[1] if n_components in (None, "auto") else int(n_components)


def _own(given: Any, shape: tuple[int, int], name: str, dtype: np.dtype[Any]) -> np.ndarray:
    """Check a start value of the user's, with scikit-learn's messages."""
    whom = f"NMF (input {name})"
    if given is None:
        raise ValueError(f"init='custom' needs {name}: give W=… and H=… to fit or fit_transform")
    factor = check_array(given)
    for axis, ordinal in enumerate(("first", "second")):
        if factor.shape[axis] != shape[axis]:
            raise ValueError(
                f"Array with wrong {ordinal} dimension passed to {whom}. Expected {shape[axis]}, "
                f"but got {factor.shape[axis]}."
            )
    check_non_negative(factor, whom)
    if not factor.any():
        raise ValueError(f"Array passed to {whom} is full of zeros.")
    if factor.dtype != dtype:
        raise TypeError(
            f"H and W should have the same dtype as X. Got {name}.dtype = {factor.dtype}, but "
            f"X.dtype = {dtype}: convert {name} by {name}.astype({dtype.name!r})"
        )
    return np.asarray(factor)

"""Entries that are held out of a fit, to measure its error."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.factorization.programs.factors import NONE, Entries
from strads.engine import sound


def held_out(model: Any, X: Any, validation: Any) -> tuple[Any, Entries]:
    """Return the entries to fit and those to hold out: the given ones, or a random share of X.

    Parameters
    ----------
    model : estimator
        Its parameters ``early_stopping``, ``validation_fraction`` and ``random_state`` are used.
    X : csr_array
        Ratings of the fit.
    validation : {sparse matrix, array} of the same shape, or None
        Entries to hold out. None: a share of X if the model stops early, else no entries.

    Returns
    -------
    known : csr_array
    held : Entries

    Raises
    ------
    ValueError
        If `validation` does not fit, or one of the parts would be empty.
    """
    if validation is not None:
        return X, Entries.of(_checked(validation, X.shape))
    if not model.early_stopping:
        return X, NONE
    out = np.random.default_rng(seed_of(model.random_state)).random(X.nnz)
    out = out < model.validation_fraction
    if not out.any() or out.all():
        raise ValueError(
            f"validation_fraction={model.validation_fraction} of {X.nnz} ratings leaves no rating "
            "to fit or none to hold out"
        )
    rows, cols, values = Entries.of(X)
    known = sp.csr_array((values[~out], (rows[~out], cols[~out])), shape=X.shape)
    return known, Entries(rows[out], cols[out], values[out])


def _checked(validation: Any, shape: tuple[int, int]) -> Any:
    if np.shape(validation) != shape:
        raise ValueError(f"validation has shape {np.shape(validation)}, X {shape}")
    kinds = (np.float64, np.float32)
    validation = sound(validation, "validation")
    held = sp.csr_array(
        check_array(validation, accept_sparse="csr", dtype=kinds, input_name="validation")
    )
    if held.nnz == 0:
        raise ValueError("validation stores no rating: there is nothing to compare with")
    return held

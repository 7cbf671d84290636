"""Helpers of ``partial_fit``: merging of ratings, rows for new users, and their start values."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.factorization.programs.factors import Entries
from strads.algorithms.factorization.programs.rows import WIDTH


def merged(old: Any, new: Any) -> Any:
    """Return the union of two matrices of equally many columns; `new` replaces entries of `old`."""
    if new.shape[0] < old.shape[0]:
        new = sp.csr_array((new.data, new.indices, np.pad(
            new.indptr, (0, old.shape[0] - new.shape[0]), mode="edge")),
            shape=old.shape)  # fmt: skip
    rows = np.concatenate([Entries.of(old).user, Entries.of(new).user])
    cols = np.concatenate([Entries.of(old).item, Entries.of(new).item])
    values = np.concatenate([old.data, new.data])
    order = np.lexsort((np.arange(len(rows)), cols, rows))
    rows, cols, values = rows[order], cols[order], values[order]
    last = np.append((rows[1:] != rows[:-1]) | (cols[1:] != cols[:-1]), True)
    return sp.csr_array((values[last], (rows[last], cols[last])), shape=new.shape)


def extended(array: np.ndarray, rows: int, value: float) -> np.ndarray:
    """Return a copy with at least `rows` rows; new rows are filled with `value`."""
    longer = np.full((max(rows, len(array)), *array.shape[1:]), value, array.dtype)
    longer[: len(array)] = array
    return longer


def restart_zero_rows(
    factors: np.ndarray, components: int, rng: np.random.Generator, positive: bool
) -> None:
    """Give rows of zeros random start values.

    If the factors of both sides of a rating are zero, their gradients are zero and they never move.
    """
    still = np.flatnonzero(~factors.any(axis=1))
    begin = (rng.random((len(still), components)) - 0.5) * (WIDTH / np.sqrt(components))
    factors[still, :components] = np.abs(begin) if positive else begin

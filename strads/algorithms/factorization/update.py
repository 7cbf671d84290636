"""More ratings for a factorisation that has been fitted: merging, new rows, where they begin."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.factorization.programs.factors import Entries
from strads.algorithms.factorization.programs.rows import WIDTH


def merged(old: Any, new: Any) -> Any:
    """Union of two matrices, as wide as both; entries of `new` replace those of `old`."""
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
    """A copy with more rows, filled with a value."""
    longer = np.full((max(rows, len(array)), *array.shape[1:]), value, array.dtype)
    longer[: len(array)] = array
    return longer


def awake(factors: np.ndarray, components: int, rng: np.random.Generator, positive: bool) -> None:
    """Let rows of zeros begin anew: where both sides of a rating are zero, nothing ever moves."""
    still = np.flatnonzero(~factors.any(axis=1))
    begin = (rng.random((len(still), components)) - 0.5) * (WIDTH / np.sqrt(components))
    factors[still, :components] = np.abs(begin) if positive else begin

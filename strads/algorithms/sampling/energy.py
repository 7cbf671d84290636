"""Energies of given states, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np


def energies_of(J: Any, h: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the energy of each row of states.

    Parameters
    ----------
    J : csr_array of shape (sites, sites)
        Symmetric couplings, without a diagonal.
    h : ndarray of shape (sites,) for an Ising model, or (sites, q) for a Potts model
    states : ndarray of shape (samples, sites)

    Returns
    -------
    ndarray of shape (samples,)
    """
    if h.ndim == 1:
        spins = states.T.astype(np.float64)
        return np.asarray(-0.5 * (spins * (J @ spins)).sum(axis=0) - h @ spins)
    own = np.take_along_axis(h, states.T.astype(np.int64), axis=1).sum(axis=0)
    rows = np.repeat(np.arange(J.shape[0]), np.diff(J.indptr))
    pairs = [float(J.data @ (row[rows] == row[J.indices])) for row in states]
    return np.asarray(-0.5 * np.array(pairs) - own)

"""What users give to the samplers: couplings, fields, clamped sites, first states, temperatures."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, validate_data

from strads.engine import native, sound

#: Couplings may differ from their transpose by this share of the largest one.
SYMMETRIC = 1e-8


def couplings(model: Any, J: Any) -> sp.csr_array:
    """Validate a symmetric matrix of couplings; return it without its diagonal, whole.

    Raises
    ------
    ValueError
        If it is not square, not symmetric, or has an entry that is not finite.
    """
    J = validate_data(
        model, sound(J, "J"), accept_sparse="csr", dtype=np.float64, ensure_min_samples=1
    )
    J = sp.csr_array(native(J) if isinstance(J, np.ndarray) else J)
    if J.shape[0] != J.shape[1]:
        raise ValueError(
            f"J has shape {J.shape}: couplings are a square matrix with a row and a column a site"
        )
    return symmetric(J, "J")


def symmetric(J: sp.csr_array, name: str) -> sp.csr_array:
    """Return a symmetric matrix without its diagonal; refuse one that is not symmetric.

    Zeros that are stored stay, so that moments of pairs without a coupling can be asked for. It is
    enough to store them at (i, j) or at (j, i).
    """
    rows = np.repeat(np.arange(J.shape[0]), np.diff(J.indptr))
    off = rows != J.indices
    i, j, values = rows[off], J.indices[off], J.data[off]
    found = sp.coo_array((values, (i, j)), shape=J.shape).tocsr()
    other = found.T.tocsr()
    if not _same_places(found, other):
        both = (np.concatenate([i, j]), np.concatenate([j, i]))
        values = np.concatenate([values, np.zeros_like(values)])
        found = sp.coo_array((values, both), shape=J.shape).tocsr()
        other = found.T.tocsr()
    gaps = np.abs(found.data - other.data)
    if gaps.max(initial=0.0) > SYMMETRIC * np.abs(found.data).max(initial=0.0):
        at = int(np.argmax(gaps))
        row = int(np.searchsorted(found.indptr, at, side="right")) - 1
        raise ValueError(
            f"{name} is not symmetric, as at ({row}, {found.indices[at]}): give each coupling at "
            f"(i, j) and at (j, i), such as ({name} + {name}.T) / 2"
        )
    found.data = 0.5 * found.data + 0.5 * other.data  # the sum of both might overflow
    return found


def _same_places(one: sp.csr_array, other: sp.csr_array) -> bool:
    return np.array_equal(one.indptr, other.indptr) and np.array_equal(one.indices, other.indices)


def demand_moderate(J: sp.csr_array, h: np.ndarray) -> None:
    """Refuse couplings and fields so large that an energy could overflow.

    Raises
    ------
    ValueError
        If the sum of their absolute values is not finite.
    """
    with np.errstate(over="ignore"):
        largest = np.abs(J.data).sum() + np.abs(h).sum()
    if not np.isfinite(largest):
        raise ValueError(
            "J and h are so large that energies overflow: divide J, h and temperature by the same "
            "number"
        )


def fields(h: Any, sites: int, states: int) -> np.ndarray:
    """Validate fields: one a site of an Ising model, or one for each state; None means zeros."""
    shape = (sites,) if states == 2 else (sites, states)
    if h is None:
        return np.zeros(shape)
    if np.ndim(h) == 0 and not sp.issparse(h):
        raise ValueError(f"h={h!r} is no array: the fields of {sites} sites have shape {shape}")
    found = check_array(
        native(h) if isinstance(h, np.ndarray) else h, dtype=np.float64, ensure_2d=False,
        input_name="h",
    )  # fmt: skip
    if found.shape in ((sites,), (sites, 1)) and len(shape) == 2:
        raise ValueError(
            f"h has shape {found.shape}, but with n_states={states} it needs a field for every "
            f"state: shape {shape}"
        )
    if found.shape not in (shape, (sites, 1)):
        raise ValueError(f"h has shape {found.shape}: the fields of {sites} sites have {shape}")
    return np.ascontiguousarray(found.reshape(shape))


def clamped_states(clamped: Any, sites: int, states: int) -> np.ndarray:
    """Validate the states of clamped sites; the others are NaN. None clamps no site."""
    if clamped is None:
        return np.full(sites, np.nan)
    found = _numbers(clamped, "clamped")
    if found.shape != (sites,):
        raise ValueError(
            f"clamped has shape {found.shape}: give a state for each of the {sites} sites, and NaN "
            "where a site is free"
        )
    demand_states(found[~np.isnan(found)], states, "clamped")
    if sites and not np.isnan(found).any():
        raise ValueError("clamped fixes every site: leave at least one free, as NaN")
    return found


def first_states(
    init: Any, chains: int, sites: int, states: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the first states of all chains, of shape (chains, sites); None: at random."""
    kind = np.int8 if states == 2 else np.uint8
    if init is None:
        drawn = rng.integers(states, size=(chains, sites))
        return (2 * drawn - 1 if states == 2 else drawn).astype(kind)
    found = _numbers(init, "init")
    if found.shape not in ((sites,), (chains, sites)):
        raise ValueError(
            f"init has shape {found.shape}: give the states of {sites} sites, or of {chains} "
            f"chains, of shape {(chains, sites)}"
        )
    demand_states(found, states, "init")
    return np.array(np.broadcast_to(found, (chains, sites)).astype(kind))


def _numbers(given: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array of numbers: {error}") from error


def demand_states(values: np.ndarray, states: int, name: str) -> None:
    """Refuse values that are no states."""
    valid = np.abs(values) == 1.0 if states == 2 else values == np.rint(values)
    if states > 2:
        valid &= (values >= 0.0) & (values < states)
    if not valid.all():
        says = "-1 and 1" if states == 2 else f"whole numbers from 0 to {states - 1}"
        raise ValueError(f"{name} holds {values[~valid].flat[0]:g}: states are {says}")


def temperatures(temperature: Any, sweeps: int, burn_in: int) -> np.ndarray:
    """Return the temperature of every sweep.

    Parameters
    ----------
    temperature : float or array-like of shape (n_values,)
        The values share the sweeps after burn-in equally; those of burn-in have the first one.
    sweeps, burn_in : int

    Raises
    ------
    ValueError
        If a temperature is not a positive, finite number, or there are more of them than sweeps.
    """
    values = np.atleast_1d(np.asarray(temperature, dtype=np.float64))
    if values.ndim != 1 or not len(values) or len(values) > sweeps:
        raise ValueError(
            f"temperature has shape {values.shape}: give a number, or from 1 to n_sweeps={sweeps} "
            "numbers, which share the sweeps"
        )
    if not (np.isfinite(values) & (values > 0.0)).all():
        bad = values[~(np.isfinite(values) & (values > 0.0))][0]
        raise ValueError(f"temperature holds {bad:g}: temperatures must be positive and finite")
    share = np.arange(sweeps) * len(values) // sweeps
    return np.concatenate([np.full(burn_in, values[0]), values[share]])

"""Atoms to begin with, and atoms made of signals."""

from __future__ import annotations

import numpy as np


def atoms_from(signals: np.ndarray, positive: bool, rng: np.random.Generator) -> np.ndarray:
    """Return signals as atoms: without negative entries if `positive`, and of length 1.

    A signal of which nothing is left becomes random numbers.

    Parameters
    ----------
    signals : ndarray of shape (n, p)
    positive : bool
    rng : Generator

    Returns
    -------
    ndarray of float64, shape (n, p)
    """
    atoms = signals.astype(np.float64)
    scale = np.abs(atoms).max(axis=1, keepdims=True)
    atoms /= np.where(scale > 0.0, scale, 1.0)  # else squares may leave the range
    if positive:
        atoms = np.maximum(atoms, 0.0)
    empty = ~atoms.any(axis=1)
    if empty.any():
        drawn = rng.normal(size=(int(empty.sum()), atoms.shape[1]))
        atoms[empty] = np.abs(drawn) if positive else drawn
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)


def first_atoms(
    X: np.ndarray, components: int, positive: bool, rng: np.random.Generator
) -> np.ndarray:
    """Return signals, chosen at random, as atoms.

    Signals of more than a tenth of the mean length are taken first, since the direction of a short
    one is mostly noise. If there are fewer signals than atoms, the others are random numbers.

    Parameters
    ----------
    X : ndarray of shape (n_signals, p)
    components : int
        Number of atoms.
    positive : bool
        Whether atoms have no negative entries.
    rng : Generator

    Returns
    -------
    ndarray of float64, shape (components, p)
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    order = rng.permutation(len(X))
    short = lengths[order] <= 0.1 * lengths.mean()
    chosen = np.concatenate([order[~short], order[short]])[:components]
    signals = np.zeros((components, X.shape[1]))
    signals[: len(chosen)] = X[chosen]
    return atoms_from(signals, positive, rng)

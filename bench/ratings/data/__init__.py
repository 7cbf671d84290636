"""Sets of ratings: a folder with `ratings.npz`; others are modules of this package."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.harness.files import load, there


class Held(NamedTuple):
    """Held-out ratings."""

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray


class Ratings(NamedTuple):
    """CSR of float32 with int32 indices to train on, and what is held out."""

    train: sp.csr_matrix
    held: Held


def read(folder: Path) -> Ratings:
    """Read the set of a folder; a random tenth is held out, seed 0."""
    with np.load(there(folder / "ratings.npz")) as stored:
        triples = stored["user"], stored["item"], stored["value"].astype(np.float32)
        shape = tuple(stored["shape"])
    order = np.random.default_rng(0).permutation(len(triples[0]))
    tenth = len(order) // 10
    held = Held(*(each[order[:tenth]] for each in triples))
    users, items, values = (each[order[tenth:]] for each in triples)
    train = sp.csr_matrix((values, (users, items)), shape=shape)
    train.sort_indices()
    return Ratings(train, held)


def ratings(name: str) -> Ratings:
    """A set by name."""
    return load(__name__, name)

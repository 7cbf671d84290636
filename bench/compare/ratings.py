"""Ratings of the comparison: a matrix to train on and triples held out.

`ml-1m` and `anime` are public sets, of which a random tenth is held out (seed 0). `netflix` has the
shape of the Netflix prize and is generated, `netflix:N` has about N ratings; see
`bench.compare.netflix`. `tiny` is for smoke tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.compare import netflix
from bench.harness.files import data_folder, there

PUBLIC = ("ml-1m", "anime")


class Held(NamedTuple):
    """Held-out ratings."""

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Ratings:
    """A set: CSR of float32 with int32 indices, and what is held out."""

    name: str
    train: sp.csr_matrix
    held: Held


def load(name: str) -> Ratings:
    """Load a set by name.

    Raises
    ------
    MissingData
        If a public set is not in the folder of data sets.
    """
    if name == "tiny":
        name = f"netflix:{netflix.TINY}"
    if name.split(":")[0] == "netflix":
        total = int(name.partition(":")[2] or netflix.RATINGS)
        train, held = netflix.load(total)
        return Ratings(name, train, Held(*held))
    if name not in PUBLIC:
        raise ValueError(f"unknown ratings {name!r}; known: {', '.join(PUBLIC)}, netflix[:N], tiny")
    with np.load(there(data_folder() / name / "ratings.npz")) as stored:
        triples = stored["user"], stored["item"], stored["value"].astype(np.float32)
        return _split(name, triples, tuple(stored["shape"]))


def _split(name: str, triples: tuple[np.ndarray, ...], shape: tuple[int, int]) -> Ratings:
    order = np.random.default_rng(0).permutation(len(triples[0]))
    tenth = len(order) // 10
    held = Held(*(each[order[:tenth]] for each in triples))
    users, items, values = (each[order[tenth:]] for each in triples)
    train = sp.csr_matrix((values, (users, items)), shape=shape)
    train.sort_indices()
    return Ratings(name, train, held)

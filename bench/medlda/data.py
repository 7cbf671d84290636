"""Labelled documents with their own split; frequent and rare words are left out by a rule."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.harness.files import data_folder, there

#: A word stays if it is in at least so many training documents, and in at most this share of them.
LEAST, MOST = 3, 0.1


class Labelled(NamedTuple):
    """Counts and labels to train on and to judge by."""

    X: sp.csr_array
    y: np.ndarray
    test: sp.csr_array
    truth: np.ndarray

    @property
    def told(self) -> str:
        """How much it is."""
        return (f"{self.X.shape[0]:,} + {self.test.shape[0]:,} documents, {self.X.shape[1]:,} "
                f"words, {self.X.sum():,} tokens, {len(np.unique(self.y))} labels")  # fmt: skip


def labelled(name: str) -> Labelled:
    """Read the documents of a folder, without stop words and rare words; ``tiny`` is generated."""
    if name == "tiny":
        return generated()
    folder = data_folder() / name
    X, test = (sp.csr_array(sp.load_npz(there(folder / f"{part}.npz")))
               for part in ("counts", "counts_test"))  # fmt: skip
    y, truth = np.load(folder / "y.npy"), np.load(folder / "y_test.npy")
    documents = np.bincount(X.indices, minlength=X.shape[1])
    kept = (documents >= LEAST) & (documents <= MOST * X.shape[0])
    return Labelled(X[:, kept], y, test[:, kept], truth)


def generated() -> Labelled:
    """Documents about one of four subjects, which are their labels."""
    rng = np.random.default_rng(0)
    y = np.arange(72) % 4
    rates = np.full((72, 40), 0.1)
    for d, label in enumerate(y):
        rates[d, 8 * label : 8 * label + 8] = 1.0
    rates[:, 32:] = 1.5
    X = sp.csr_array(rng.poisson(rates))
    return Labelled(X[:48], y[:48], X[48:], y[48:])

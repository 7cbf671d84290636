"""A small dense problem, as in most first tries: what a fit costs besides its work shows here."""

import numpy as np

from bench.lasso.data import Dataset


def load() -> Dataset:
    """300 samples, 900 features, of which 10 have a weight."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((300, 900)))
    truth = np.zeros(900)
    truth[:10] = 1.0
    return Dataset(X, X @ truth + rng.standard_normal(300))

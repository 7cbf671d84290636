"""Random sparse data for smoke tests."""

import numpy as np
import scipy.sparse as sp

from bench.lasso.data import Dataset


def load() -> Dataset:
    """300 samples, 900 features, of which 20 have a weight."""
    rng = np.random.default_rng(0)
    X = sp.random(300, 900, density=0.05, random_state=0, format="csc", dtype=np.float64)
    X.sort_indices()
    truth = np.zeros(900)
    truth[rng.choice(900, 20, replace=False)] = rng.standard_normal(20)
    return Dataset(X, X @ truth + 0.1 * rng.standard_normal(300) + 3.0)

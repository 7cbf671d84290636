"""Random sparse data for smoke tests."""

import numpy as np
import scipy.sparse as sp

from bench.lasso.data import Dataset


def load() -> Dataset:
    """120 samples, 120 features, of which 6 have a weight."""
    n, d, planted = 120, 120, 6
    rng = np.random.default_rng(0)
    X = sp.random(n, d, density=0.1, random_state=0, format="csc", dtype=np.float64)
    X.sort_indices()
    truth = np.zeros(d)
    truth[rng.choice(d, planted, replace=False)] = rng.standard_normal(planted)
    return Dataset(X, X @ truth + 0.1 * rng.standard_normal(n) + 3.0)

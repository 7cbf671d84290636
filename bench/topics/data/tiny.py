"""A corpus drawn from the model, for smoke tests."""

import numpy as np
import scipy.sparse as sp


def load() -> sp.csr_matrix:
    """5 topics, 100 documents of 25 tokens, 80 words."""
    rng = np.random.default_rng(0)
    phi = rng.dirichlet(np.full(80, 0.05), size=5)
    theta = rng.dirichlet(np.full(5, 0.1), size=100)
    return sp.csr_matrix(rng.multinomial(25, theta @ phi).astype(np.int32))

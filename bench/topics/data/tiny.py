"""A corpus drawn from the model, for smoke tests."""

import numpy as np
import scipy.sparse as sp


def load() -> sp.csr_matrix:
    """5 topics, 150 documents of 40 tokens, 120 words."""
    rng = np.random.default_rng(0)
    phi = rng.dirichlet(np.full(120, 0.05), size=5)
    theta = rng.dirichlet(np.full(5, 0.1), size=150)
    return sp.csr_matrix(rng.multinomial(40, theta @ phi).astype(np.int32))

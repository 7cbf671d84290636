"""A corpus drawn from the model, for smoke tests."""

import numpy as np
import scipy.sparse as sp


def load() -> sp.csr_matrix:
    """5 topics, 60 documents of 20 tokens, 60 words."""
    rng = np.random.default_rng(0)
    phi = rng.dirichlet(np.full(60, 0.05), size=5)
    theta = rng.dirichlet(np.full(5, 0.1), size=60)
    return sp.csr_matrix(rng.multinomial(20, theta @ phi).astype(np.int32))

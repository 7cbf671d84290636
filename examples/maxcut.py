"""MaxCut: two camps of a random graph's nodes with as many edges as possible between them."""

import numpy as np
import scipy.sparse as sp

from strads import GraphSampler, from_maxcut


def graph(nodes: int = 4000, degree: int = 3, seed: int = 0) -> sp.csr_array:
    """Return a random graph in which almost every node has the same degree, by weights of 1."""
    ends = np.random.default_rng(seed).permutation(np.repeat(np.arange(nodes), degree))
    i, j = ends.reshape(-1, 2).T
    half = sp.coo_array((np.ones(len(i)), (i, j)), shape=(nodes, nodes))
    W = sp.csr_array(half + half.T)
    W.setdiag(0.0)
    W.eliminate_zeros()
    W.data[:] = 1.0
    return W


def cut(W: sp.csr_array, sweeps: int) -> tuple[GraphSampler, float]:
    """Return the sampler that has looked for the largest cut, and the weight of its cut."""
    J, h, offset = from_maxcut(W)
    steps = min(sweeps, 100)
    sampler = GraphSampler(
        n_sweeps=sweeps, burn_in=0, thin=sweeps // steps, n_chains=4,
        temperature=np.geomspace(1.5, 0.05, steps), collect="none", n_workers=2, random_state=0,
    )  # fmt: skip
    return sampler, -(sampler.fit(J, h).best_energy_ + offset)


def main() -> None:
    W = graph()
    edges = W.sum() / 2
    for sweeps in (10, 100, 1000):
        sampler, weight = cut(W, sweeps)
        print(f"{sweeps} sweeps: {weight:.0f} of {edges:.0f} edges are cut, {weight / edges:.2%}")
    side = sampler.best_state_ > 0
    assert weight == W[side][:, ~side].sum()


if __name__ == "__main__":
    main()

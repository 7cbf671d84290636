"""A spin glass on a square lattice: couplings of both signs, cooled down slowly and fast."""

import numpy as np
import scipy.sparse as sp

from strads import GraphSampler


def glass(side: int = 48, seed: int = 0) -> sp.csr_array:
    """Return couplings ±1 of a square lattice with periodic borders."""
    sites = np.arange(side * side).reshape(side, side)
    ends = [np.roll(sites, 1, axis).ravel() for axis in (0, 1)]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], 2 * side * side)
    places = (np.tile(sites.ravel(), 2), np.concatenate(ends))
    half = sp.coo_array((signs, places), shape=(side * side, side * side))
    return sp.csr_array(half + half.T)


def anneal(J: sp.csr_array, sweeps: int) -> GraphSampler:
    """Cool eight chains from T = 3 to T = 0.1, in up to a hundred steps."""
    steps = min(sweeps, 100)
    sampler = GraphSampler(
        n_sweeps=sweeps, burn_in=0, thin=sweeps // steps, n_chains=8,
        temperature=np.geomspace(3.0, 0.1, steps), collect="none", n_workers=2, random_state=0,
    )  # fmt: skip
    return sampler.fit(J)


def main() -> None:
    J = glass()
    for sweeps in (20, 200, 2000):
        found = anneal(J, sweeps)
        print(f"{sweeps} sweeps: lowest energy per site {found.best_energy_ / J.shape[0]:.4f}")


if __name__ == "__main__":
    main()

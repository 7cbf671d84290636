"""Chromatic Gibbs sampling of the Ising model, compared with Onsager's exact energy."""

import numpy as np
import scipy.sparse as sp
from scipy.special import ellipk

from strads import Colouring, Program, control, data, kernel, run, uniform, variable


class Ising(Program):
    """p(s) ∝ exp(β Σ J_jk s_j s_k), s ∈ {−1, 1}; sites of one colour have no common edge."""

    J = data("sites", "sites", layout="csr")
    s = variable("sites", dtype=np.int8)
    up = variable("sites", dtype=np.int64)  # not derived: nothing can recompute a running count
    beta = control(0.3)
    schedule = Colouring("sites", graph="J")

    def setup(self, rng):
        self.state["s"][:] = rng.choice([-1, 1], self.size["sites"])

    @kernel
    def push(block, key, J, beta, s, up):
        for j in block:
            h = 0.0
            for k in range(J.indptr[j], J.indptr[j + 1]):
                h += J.data[k] * s[J.indices[k]]
            s[j] = 1 if uniform(key, j) < 1.0 / (1.0 + np.exp(-2.0 * beta * h)) else -1
            up[j] += s[j] > 0

    @kernel
    def measure(sites, J, s):
        e = 0.0
        for j in range(sites[0], sites[1]):
            for k in range(J.indptr[j], J.indptr[j + 1]):
                e -= 0.5 * J.data[k] * s[j] * s[J.indices[k]]
        return e

    def progress(self, parts):
        return {"energy": parts.sum() / self.size["sites"]}


def lattice(side):
    """Return the couplings of a square lattice with periodic borders; `side` is even."""
    line = sp.diags_array([1.0, 1.0], offsets=[1, -1], shape=(side, side)).tolil()
    line[0, side - 1] = line[side - 1, 0] = 1.0  # its ends are neighbours
    eye = sp.eye_array(side)
    return sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line))


def onsager(beta):
    """Energy per site of the infinite lattice."""
    k = 2.0 * np.sinh(2.0 * beta) / np.cosh(2.0 * beta) ** 2
    bracket = 1.0 + 2.0 / np.pi * (2.0 * np.tanh(2.0 * beta) ** 2 - 1.0) * ellipk(k * k)
    return -bracket / np.tanh(2.0 * beta)


def sample(side=64, sweeps=4000, beta=0.3, **options):
    """Return the result, and the mean energy per site after the first tenth of the sweeps."""
    options = {"workers": 2, "epochs": sweeps, "seed": 0, **options}
    result = run(Ising(J=lattice(side), beta=beta), **options)
    energies = [figures["energy"] for figures in result.history[sweeps // 10 :]]
    return result, float(np.mean(energies))


def main():
    result, energy = sample()
    share = result.state["up"].mean() / len(result.history)
    print(f"energy per site {energy:.4f}, Onsager {onsager(0.3):.4f}")
    print(f"{share:.1%} of the spins were up; {result.statistics['schedules']['main']}")


if __name__ == "__main__":
    main()

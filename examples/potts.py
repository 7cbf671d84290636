"""Gibbs sampling of the Potts model on any graph: sites of one colour are drawn together."""

import numpy as np
import scipy.sparse as sp

from strads import Colouring, Program, control, data, kernel, run, scratch, uniform, variable


class Potts(Program):
    """p(s) ∝ exp(β Σ [s_j = s_k] over the edges), s ∈ {0, …, q − 1}."""

    edges = data("sites", "sites", layout="csr")
    s = variable("sites", dtype=np.int8)
    weight = scratch("states")
    boost = data("degrees")  # exp(β·k), for a site with k equal neighbours
    beta = control(0.5)
    schedule = Colouring("sites", graph="edges")

    def setup(self, rng):
        self.s[:] = rng.integers(0, self.size["states"], self.size["sites"])
        self.boost[:] = np.exp(self.beta * np.arange(self.size["degrees"]))

    @kernel
    def push(block, key, edges, boost, s, weight):
        q = len(weight)
        for j in block:
            weight[:] = 0.0
            for k in range(edges.indptr[j], edges.indptr[j + 1]):
                weight[s[edges.indices[k]]] += 1.0
            total = 0.0
            for state in range(q):
                total += boost[int(weight[state])]
                weight[state] = total
            level = uniform(key, j) * total
            new = 0
            while new < q - 1 and weight[new] <= level:
                new += 1
            s[j] = new

    @kernel
    def measure(sites, edges, s):
        equal = 0.0
        for j in range(sites[0], sites[1]):
            for k in range(edges.indptr[j], edges.indptr[j + 1]):
                equal += s[j] == s[edges.indices[k]]
        return equal

    def progress(self, parts):
        return {"equal": parts.sum() / len(self.edges.indices)}


def lattice(side):
    """Return the edges of a square lattice with open borders."""
    line = sp.diags_array([1, 1], offsets=[1, -1], shape=(side, side), dtype=np.int8)
    eye = sp.eye_array(side, dtype=np.int8)
    return sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line))


def sample(side=128, states=3, beta=1.2, sweeps=200, **options):
    """Return the result of sampling on a lattice."""
    program = Potts(edges=lattice(side), states=states, degrees=5, beta=beta)
    return run(program, **{"workers": 2, "epochs": sweeps, "seed": 0, **options})


def main():
    for beta in (0.5, 1.5):  # the lattice orders itself from β = log(1 + √3) = 1.005 on
        state = sample(beta=beta)
        share = np.bincount(state.state["s"], minlength=3).max() / len(state.state["s"])
        print(f"β = {beta}: {state.figures['equal']:.1%} of the neighbours are equal; "
              f"the largest state has {share:.1%} of the sites")  # fmt: skip


if __name__ == "__main__":
    main()

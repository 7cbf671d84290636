"""Matrix factorisation by gradient descent: users stay at a worker, slices of items rotate."""

import numpy as np
import scipy.sparse as sp

from strads import Program, Rotation, control, data, kernel, run, variable


class MF(Program):
    """min Σ (R_ui − W_u·H_i)² + reg(|W_u|² + |H_i|²) over the known ratings R_ui."""

    R = data("users", "items", layout="csr")
    W = variable("users", "rank", dtype=np.float32)
    H = variable("items", "rank", dtype=np.float32)
    rate, reg = control(0.05), control(0.001)  # held by the leader
    schedule = Rotation("items")

    def setup(self, rng):
        for factor in (self.state["W"], self.state["H"]):
            factor[:] = rng.normal(0.0, 0.3, factor.shape)

    @kernel
    def push(block, users, R, W, H, rate, reg):  # on this worker's users
        # The block is the slice of items that this worker holds in this round.
        for u in range(users[0], users[1]):
            row = R.indices[R.indptr[u] : R.indptr[u + 1]]
            first, last = np.searchsorted(row, block[0]), np.searchsorted(row, block[-1] + 1)
            for k in range(R.indptr[u] + first, R.indptr[u] + last):
                w, h = W[u], H[R.indices[k]]
                err = np.float32(R.data[k]) - np.dot(w, h)
                for f in range(w.size):
                    wf, hf = w[f], h[f]
                    w[f] += rate * (err * hf - reg * wf)
                    h[f] += rate * (err * wf - reg * hf)

    @kernel
    def measure(users, R, W, H):
        se = 0.0
        for u in range(users[0], users[1]):
            for k in range(R.indptr[u], R.indptr[u + 1]):
                se += (R.data[k] - np.dot(W[u], H[R.indices[k]])) ** 2
        return se

    def progress(self, parts):
        return {"rmse": np.sqrt(parts.sum() / self.state["R"].data.size)}

    def epoch(self, history):  # the leader, between epochs
        falls = len(history) < 2 or history[-1]["rmse"] < history[-2]["rmse"]
        self.rate *= 1.05 if falls else 0.5


def ratings(users=300, items=200, rank=4, seed=2):
    """Return a planted matrix of low rank and the fifth of its entries that is known."""
    rng = np.random.default_rng(seed)
    full = rng.normal(size=(users, rank)) @ rng.normal(size=(rank, items))
    return full, sp.csr_array(np.where(rng.random(full.shape) < 0.2, full, 0.0))


def factorise(users=300, items=200, rank=4, **options):
    """Return the result and the root mean square error on the entries that were held back."""
    full, known = ratings(users, items, rank)
    options = {"workers": 2, "epochs": 60, "seed": 0, **options}
    result = run(MF(R=known, rank=rank), **options)
    error = (full - result.state["W"] @ result.state["H"].T)[known.toarray() == 0.0]
    return result, float(np.sqrt(np.mean(error**2)))


def main():
    result, held_back = factorise()
    rmse = [figures["rmse"] for figures in result.history]
    print(f"RMSE of the known ratings {rmse[0]:.2f} → {rmse[-1]:.4f} in {len(rmse)} epochs")
    rate = result.state["rate"][0]
    print(f"RMSE of the others {held_back:.4f}; the last step size was {rate:.0e}")


if __name__ == "__main__":
    main()

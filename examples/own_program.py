"""A model-parallel algorithm of one's own: non-negative least squares in 40 lines."""

import numpy as np
import scipy.sparse as sp

from strads import (
    Correlation,
    Priority,
    Program,
    axpy,
    column_norms2,
    data,
    derived,
    dot,
    kernel,
    outbox,
    run,
    variable,
)


class NNLS(Program):
    """min ½‖b − Aw‖² over w ≥ 0; r = b − Aw."""

    A = data("rows", "cols", layout="csc")
    b = data("rows")
    sq = data("cols")  # ‖A_j‖², filled by setup
    w = variable("cols")
    r = derived("rows")
    delta = outbox("block")
    schedule = Priority("cols", rho=0.1, coupling=Correlation("A"))

    def setup(self, rng):
        self.state["sq"][:] = column_norms2(self.A)

    @kernel
    def push(block, A, sq, w, r, delta, change):
        for i, j in enumerate(block):
            if sq[j] > 0.0:
                delta[i] = max(dot(A, j, r) / sq[j], -w[j])
                w[j] += delta[i]
                change[i] = abs(delta[i]) * np.sqrt(sq[j])

    @kernel
    def pull(block, delta, rows, A, r):
        for i, j in enumerate(block):
            axpy(-delta[i], A, j, r, rows)

    @kernel
    def rebuild(rows, A, b, w, r):
        r[rows[0] : rows[1]] = b[rows[0] : rows[1]]
        for j in np.flatnonzero(w):
            axpy(-w[j], A, j, r, rows)

    @kernel
    def measure(cols, A, w, r):  # KKT residual of this worker's columns
        worst = 0.0
        for j in range(cols[0], cols[1]):
            g = dot(A, j, r)
            worst = max(worst, g, abs(g) if w[j] > 0.0 else 0.0)
        return worst

    def progress(self, parts):  # one entry a worker, in worker order
        return {"certificate": parts.max()}


def problem(rows=2000, cols=500, seed=0):
    rng = np.random.default_rng(seed)
    A = sp.random_array((rows, cols), density=0.02, format="csc", random_state=seed)
    return A, A @ np.maximum(rng.normal(size=cols), 0.0) + 0.01 * rng.normal(size=rows)


def main():
    A, b = problem()
    result = run(NNLS(A=A, b=b), workers=2, tol=1e-9, epochs=2000, seed=0)
    print(f"{result.status}: KKT residual {result.figures['certificate']:.1e}")
    print(f"{np.count_nonzero(result.state['w'])} of {A.shape[1]} weights are positive")
    print(result.statistics["schedules"]["main"])


if __name__ == "__main__":
    main()

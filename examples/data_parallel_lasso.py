"""The conventional way to fit a Lasso in parallel: data over workers, all weights in every round.

Accelerated proximal gradient (FISTA; Beck and Teboulle 2009), restarted where the momentum points
uphill (O'Donoghue and Candès 2015). It is what `strads report RUN --baseline FOLDER` compares a
run of ``strads.Lasso(fit_intercept=False)`` with: same objective, same certificate, and a folder
that records it.

    python examples/data_parallel_lasso.py FOLDER
    python examples/data_parallel_lasso.py FOLDER X.npz y.npy ALPHA

"""

import sys

import numpy as np
import scipy.sparse as sp

from strads import (
    Phase,
    Program,
    RoundRobin,
    axpy,
    control,
    data,
    derived,
    dot,
    kernel,
    run,
    soft_threshold,
    variable,
)
from strads.monitoring import RunFolder

#: A measure costs as much as an iteration: one after every so many, growing with the run.
FINER = 0.05


class DataParallelLasso(Program):
    """min ‖y − Xw‖² / 2n + α ‖w‖₁; Xt is the transpose of X, so a worker has whole rows of X.

    An iteration has two phases: every worker computes the gradient of its rows, and adds up those
    of all workers for the features that it holds, whose weights it moves.
    """

    Xt = data("features", "rows", layout="csc")
    y = data("rows")
    w = variable("features")
    v = variable("features")  # the weights, extrapolated
    r = derived("rows")  # y − Xw
    partial = derived("shares", "features")  # the gradient of each worker's rows, times −n
    uphill = derived("one", replicated=True)
    at_weights = control(0)  # whether the gradient is taken at w, to measure, or at v
    step = control(0.0)  # one over the largest eigenvalue of XᵀX
    penalty = control(0.0)  # nα
    momentum = control(0.0)

    phases = {
        "gradient": Phase(push="push_gradient", frozen=("w", "v")),
        "step": Phase(
            push="push_step", schedule=RoundRobin("features", lease=1 << 20, micro=1),
            frozen=("partial",),
        ),
    }  # fmt: skip

    def __init__(self, X, y, alpha, workers=2):
        X = sp.csr_array(X, dtype=np.float64)
        self.rows = X.shape[0]
        super().__init__(
            Xt=X.T,
            y=y,
            step=1.0 / curvature(X),
            penalty=self.rows * alpha,
            one=1,
            shares=workers,
        )
        self.at_zero = 0.5 * float(y @ y)
        self.iterations, self.t = 0, 1.0

    def cycle(self):
        """Iterations, and then the gradient at the weights, from which the certificate follows."""
        count = max(1, int(FINER * self.iterations))
        self.iterations += count
        self.at_weights = 0
        for _ in range(count):
            after = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * self.t**2))
            self.momentum, self.t = (self.t - 1.0) / after, after
            yield "gradient"
            yield "step"
            if self.state["uphill"].sum() > 0.0:
                self.t = 1.0
        self.at_weights = 1
        yield "gradient"

    @kernel
    def push_gradient(rows, Xt, y, w, v, at_weights, shares, partial, r, uphill):
        g = partial[shares[0]]
        g[:] = 0.0
        uphill[0] = 0.0
        for i in range(rows[0], rows[1]):
            if at_weights == 1:
                r[i] = y[i] - dot(Xt, i, w)
                axpy(r[i], Xt, i, g)
            else:
                axpy(y[i] - dot(Xt, i, v), Xt, i, g)

    @kernel
    def push_step(block, partial, w, v, step, penalty, momentum, uphill):
        for j in block:
            g = 0.0
            for p in range(partial.shape[0]):
                g += partial[p, j]
            new = soft_threshold(v[j] + step * g, step * penalty)
            uphill[0] += (v[j] - new) * (new - w[j])
            v[j] = new + momentum * (new - w[j])
            w[j] = new

    @kernel
    def rebuild(rows, y, r):
        for i in range(rows[0], rows[1]):
            r[i] = y[i]

    @kernel
    def measure(rows, features, y, r, partial, w):
        square = target = size = 0.0
        for i in range(rows[0], rows[1]):
            square += r[i] * r[i]
            target += r[i] * y[i]
        largest = 0.0
        for j in range(features[0], features[1]):
            score = 0.0
            for p in range(partial.shape[0]):
                score += partial[p, j]
            largest = max(largest, abs(score))
            size += abs(w[j])
        return square, target, size, largest

    def progress(self, parts):
        """Relative duality gap, with the residual scaled into the dual's feasible set."""
        square, target, size = parts[:, :3].sum(axis=0)
        largest = parts[:, 3].max()
        primal = 0.5 * square + self.penalty * size
        scale = min(1.0, self.penalty / largest) if largest > 0.0 else 1.0
        scale = min(scale, target / square) if target > 0.0 else scale  # the best multiple of r
        dual = scale * target - 0.5 * scale**2 * square
        return {"certificate": (primal - dual) / self.at_zero, "objective": primal / self.rows}


def curvature(X, iterations=50, seed=0):
    """An upper estimate of the largest eigenvalue of XᵀX, by power iteration."""
    u = np.random.default_rng(seed).normal(size=X.shape[1])
    for _ in range(iterations):
        u /= np.linalg.norm(u)
        u = X.T @ (X @ u)
    return 1.02 * float(np.linalg.norm(u))


def problem(rows=600, features=2000, active=20, seed=0):
    """A sparse problem; the penalty is a twentieth of the smallest that gives no weight at all."""
    rng = np.random.default_rng(seed)
    X = sp.random_array((rows, features), density=0.05, format="csr", random_state=seed)
    w = np.zeros(features)
    w[rng.choice(features, active, replace=False)] = rng.normal(size=active)
    y = X @ w + 0.01 * rng.normal(size=rows)
    return X, y, 0.05 * float(np.abs(X.T @ y).max()) / rows


def fit(X, y, alpha, folder=None, *, workers=2, tol=1e-6, epochs=1000, **options):
    """Run the program, and record it if there is a folder."""
    program = DataParallelLasso(X, y, alpha, workers)
    instruments = [] if folder is None else [RunFolder(folder)]
    return run(program, workers=workers, tol=tol, epochs=epochs, instruments=instruments, **options)


def main(folder=None, matrix=None, target=None, alpha=None):
    if matrix is None:
        X, y, alpha = problem()
    else:
        X, y, alpha = sp.load_npz(matrix), np.load(target), float(alpha)
    result = fit(X, y, alpha, folder)
    print(f"{result.status}: relative duality gap {result.figures['certificate']:.1e}")
    print(f"{np.count_nonzero(result.state['w'])} of {X.shape[1]} weights are not zero")


if __name__ == "__main__":
    main(*sys.argv[1:])

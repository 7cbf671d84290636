"""A linear support vector machine by dual coordinate descent: an id is a sample."""

import numpy as np
import scipy.sparse as sp

from strads import (
    Program,
    Shuffled,
    axpy,
    column_norms2,
    control,
    data,
    derived,
    dot,
    kernel,
    outbox,
    run,
    variable,
)


class SVM(Program):
    """min ½‖w‖² + C Σ_i max(0, 1 − y_i x_i·w), by its dual: w = Σ_i α_i y_i x_i, 0 ≤ α_i ≤ C.

    Hsieh et al. (2008). Every worker has all of w, and updates its samples one after another.
    """

    X = data("samples", "features", layout="csr")
    y = data("samples")  # −1 or 1
    norm2 = data("samples")  # ‖x_i‖², filled by setup
    alpha = variable("samples", private=True)
    w = derived("features", replicated=True)
    delta = outbox("block")  # by how much α_i y_i has changed
    C = control(1.0)
    schedule = Shuffled("samples", lease=4096, micro=64)
    sequential = True

    def setup(self, rng):
        self.norm2[:] = column_norms2(self.X)

    @kernel
    def push(block, X, y, norm2, C, alpha, w, delta):
        for k, i in enumerate(block):
            slope = y[i] * dot(X, i, w) - 1.0
            step = slope / norm2[i] if norm2[i] > 0.0 else -C
            new = min(max(alpha[i] - step, 0.0), C)
            delta[k] = (new - alpha[i]) * y[i]
            alpha[i] = new
            axpy(delta[k], X, i, w)

    @kernel
    def pull(block, delta, X, w, source, worker):
        if source != worker:  # its own updates are in its w already
            for k, i in enumerate(block):
                axpy(delta[k], X, i, w)

    @kernel
    def rebuild(X, y, alpha, w):
        w[:] = 0.0
        for i in np.flatnonzero(alpha):
            axpy(alpha[i] * y[i], X, i, w)

    @kernel
    def measure(samples, features, X, y, C, alpha, w):  # primal − dual value, primal value
        gap = primal = 0.0
        for j in range(features[0], features[1]):
            primal += 0.5 * w[j] ** 2
            gap += w[j] ** 2
        for i in range(samples[0], samples[1]):
            loss = C * max(1.0 - y[i] * dot(X, i, w), 0.0)
            primal += loss
            gap += loss - alpha[i]
        return gap, primal

    def progress(self, parts):
        gap, primal = parts.sum(axis=0)
        return {"certificate": gap / primal, "objective": primal}


def problem(samples=2000, features=1000, seed=0):
    """Return X with rows of norm 1, and labels −1 and 1, of which one in twenty is wrong."""
    rng = np.random.default_rng(seed)
    X = sp.random_array((samples, features), density=0.02, format="csr", rng=rng)
    X = sp.diags_array(1.0 / np.maximum(sp.linalg.norm(X, axis=1), 1e-12)) @ X
    y = np.where(X @ rng.normal(size=features) > 0.0, 1.0, -1.0)
    return sp.csr_array(X), y * np.where(rng.random(samples) < 0.05, -1.0, 1.0)


def main():
    X, y = problem()
    result = run(SVM(X=X, y=y), workers=2, tol=1e-6, epochs=500, seed=0)
    alpha = result.state["alpha"]
    right = np.mean(y * (X @ result.state["w"]) > 0.0)
    print(f"{result.status}: relative duality gap {result.figures['certificate']:.1e}")
    print(f"{np.count_nonzero(alpha)} of {len(y)} samples support the plane; "
          f"{right:.0%} of the labels are on the right side")  # fmt: skip


if __name__ == "__main__":
    main()

"""Sparse logistic regression by coordinate descent: an id is a feature."""

import numpy as np
import scipy.sparse as sp

from strads import (
    Priority,
    Program,
    axpy,
    column_norms2,
    column_part,
    control,
    data,
    derived,
    dot,
    kernel,
    outbox,
    run,
    variable,
)


class Logistic(Program):
    """min Σ_i log(1 + exp(−y_i f_i)) + λ‖w‖₁, f = Xw, y ∈ {−1, 1}."""

    X = data("samples", "features", layout="csc")
    y = data("samples")
    curvature = data("features")  # ‖x_j‖²/4, a bound; filled by setup
    w = variable("features")
    f = derived("samples")
    slope = derived("samples")  # −derivative of the loss
    delta = outbox("block")
    penalty = control(1.0)  # λ
    schedule = Priority("features")

    def setup(self, rng):
        self.curvature[:] = column_norms2(self.X) / 4.0

    @kernel
    def push(block, X, curvature, penalty, w, slope, delta, change):
        for i, j in enumerate(block):
            if curvature[j] > 0.0:
                target = curvature[j] * w[j] + dot(X, j, slope)
                size = max(abs(target) - penalty, 0.0) / curvature[j]
                delta[i] = np.copysign(size, target) - w[j]
                w[j] += delta[i]
                change[i] = abs(delta[i]) * np.sqrt(curvature[j])

    @kernel
    def pull(block, delta, samples, X, y, f, slope):
        for i, j in enumerate(block):
            if delta[i] != 0.0:
                first, end = column_part(X, j, samples)  # of these rows only
                for k in range(first, end):
                    row = X.indices[k]
                    f[row] += delta[i] * X.data[k]
                    slope[row] = y[row] / (1.0 + np.exp(y[row] * f[row]))

    @kernel
    def rebuild(samples, X, y, w, f, slope):
        f[samples[0] : samples[1]] = 0.0
        for j in np.flatnonzero(w):
            axpy(w[j], X, j, f, samples)
        for i in range(samples[0], samples[1]):
            slope[i] = y[i] / (1.0 + np.exp(y[i] * f[i]))

    @kernel
    def measure(features, X, penalty, w, slope):  # largest violation of the optimality conditions
        worst = 0.0
        for j in range(features[0], features[1]):
            g = dot(X, j, slope)
            off = abs(g - np.copysign(penalty, w[j])) if w[j] != 0.0 else abs(g) - penalty
            worst = max(worst, off)
        return worst

    def progress(self, parts):
        return {"certificate": parts.max()}


def problem(samples=2000, features=300, seed=0):
    """Return X, labels −1 and 1, and a penalty; one in ten features has a weight."""
    rng = np.random.default_rng(seed)
    X = sp.random_array((samples, features), density=0.05, format="csc", random_state=seed)
    w = np.where(rng.random(features) < 0.1, 4.0 * rng.normal(size=features), 0.0)
    y = np.where(rng.random(samples) < 1.0 / (1.0 + np.exp(-(X @ w))), 1.0, -1.0)
    return X, y, 0.2 * float(np.abs(X.T @ y).max() / 2.0)


def main():
    X, y, penalty = problem()
    result = run(Logistic(X=X, y=y, penalty=penalty), workers=2, tol=1e-9, epochs=2000, seed=0)
    right = np.mean(y * result.state["f"] > 0.0)
    print(f"{result.status}: largest violation {result.figures['certificate']:.1e}")
    print(f"{np.count_nonzero(result.state['w'])} of {X.shape[1]} weights; "
          f"{right:.0%} of the labels are on the right side")  # fmt: skip


if __name__ == "__main__":
    main()

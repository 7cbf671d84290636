"""Group Lasso: an id is a group of columns, and all its weights move together."""

import numpy as np

from strads import (
    Priority,
    Program,
    axpy,
    control,
    data,
    derived,
    dot,
    kernel,
    outbox,
    run,
    variable,
)

WIDTH = 5


class GroupLasso(Program):
    """min ½‖y − Xw‖² + λ Σ_g ‖w_g‖; the columns of group g are g·width … (g + 1)·width − 1."""

    X = data("rows", "features", layout="csc")
    y = data("rows")
    curvature = data("groups")  # largest eigenvalue of X_gᵀX_g, filled by setup
    w = variable("groups", "width")
    r = derived("rows")
    delta = outbox("block", width=WIDTH)
    penalty = control(1.0)  # λ
    schedule = Priority("groups", lease=256, micro=256)  # a worker moves one group at a time

    def setup(self, rng):
        self.curvature[:] = curvatures(np.asarray(self.X), *self.w.shape)

    @kernel
    def push(block, X, curvature, penalty, w, r, delta, change):
        width = w.shape[1]
        for i, g in enumerate(block):
            length = 0.0
            for k in range(width):  # a gradient step on the group …
                delta[i, k] = w[g, k] + dot(X, g * width + k, r) / curvature[g]
                length += delta[i, k] ** 2
            least = penalty / curvature[g]
            shrink = 1.0 - least / np.sqrt(length) if length > least**2 else 0.0
            moved = 0.0
            for k in range(width):  # … and its proximal step
                new = shrink * delta[i, k]
                delta[i, k] = new - w[g, k]
                w[g, k] = new
                moved += delta[i, k] ** 2
            change[i] = np.sqrt(curvature[g] * moved)

    @kernel
    def pull(block, delta, rows, X, r):
        width = delta.shape[1]
        for i, g in enumerate(block):
            for k in range(width):
                axpy(-delta[i, k], X, g * width + k, r, rows)

    @kernel
    def rebuild(rows, X, y, w, r):
        r[rows[0] : rows[1]] = y[rows[0] : rows[1]]
        for g in range(w.shape[0]):
            for k in range(w.shape[1]):
                axpy(-w[g, k], X, g * w.shape[1] + k, r, rows)

    @kernel
    def measure(groups, X, penalty, w, r):  # largest violation of the optimality conditions
        worst, width = 0.0, w.shape[1]
        slope = np.empty(width)
        for g in range(groups[0], groups[1]):
            length = np.sqrt(np.sum(w[g] ** 2))
            for k in range(width):
                slope[k] = dot(X, g * width + k, r)
                if length > 0.0:
                    slope[k] -= penalty * w[g, k] / length
            violation = np.sqrt(np.sum(slope**2))
            worst = max(worst, violation - (penalty if length == 0.0 else 0.0))
        return worst

    def progress(self, parts):
        return {"certificate": parts.max()}


def curvatures(X, groups, width):
    """Return the largest eigenvalue of X_gᵀX_g for every group g."""
    parts = (X[:, g * width : (g + 1) * width] for g in range(groups))
    return np.linalg.eigvalsh(np.stack([part.T @ part for part in parts]))[:, -1]


def problem(rows=2000, groups=100, width=WIDTH, active=10, seed=0):
    """Return X, y and a penalty; neighbouring groups are correlated, and few have weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, groups, width))
    for g in range(1, groups):
        X[:, g] = 0.9 * X[:, g - 1] + np.sqrt(1.0 - 0.9**2) * X[:, g]
    X = X.reshape(rows, groups * width) / np.sqrt(rows)
    w = np.zeros((groups, width))
    w[rng.choice(groups, active, replace=False)] = rng.normal(size=(active, width))
    y = X @ w.ravel() + 0.1 * rng.normal(size=rows) / np.sqrt(rows)
    slopes = np.linalg.norm((X.T @ y).reshape(groups, width), axis=1)
    return X, y, 0.01 * float(slopes.max())


def main():
    X, y, penalty = problem()
    program = GroupLasso(X=np.asfortranarray(X), y=y, groups=100, width=WIDTH, penalty=penalty)
    result = run(program, workers=2, tol=1e-9, epochs=10_000, seed=0)
    used = np.linalg.norm(result.state["w"], axis=1) > 0.0
    print(f"{result.status}: largest violation {result.figures['certificate']:.1e}")
    print(f"{used.sum()} of {len(used)} groups have weights")


if __name__ == "__main__":
    main()

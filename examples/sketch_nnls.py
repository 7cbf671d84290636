"""Non-negative least squares by priority and dependency, compared with SciPy's solver."""

import numpy as np
import scipy.optimize
from own_program import NNLS, problem

from strads import run


def solve(rows=2000, cols=500, **options):
    """Return the result and its largest distance from the exact solution."""
    A, b = problem(rows, cols)
    options = {"workers": 2, "tol": 1e-9, "epochs": 2000, "seed": 0, **options}
    result = run(NNLS(A=A, b=b), **options)
    exact, _ = scipy.optimize.nnls(A.toarray(), b)
    return result, np.abs(result.state["w"] - exact).max()


def main():
    result, distance = solve()
    counts = result.statistics["schedules"]["main"]
    print(f"{result.status} after {len(result.history)} epochs")
    print(f"KKT residual {result.figures['certificate']:.1e}, off the exact w by {distance:.1e}")
    print(f"{counts['dispatched']} updates dispatched, {counts['deferred']} deferred as dependent")


if __name__ == "__main__":
    main()

"""A Lasso fit in a fresh process, import included: the child of `bench.lasso`.

python -m bench.cold DATA DIVISOR SOLVER TOL INTERCEPT
"""

from __future__ import annotations

import sys
import time
from typing import Any

from bench.datasets import load
from bench.harness.process import serve
from bench.judge import alpha_max
from bench.solvers import quietly, solver


def main(name: str, divisor: str, which: str, tol: str, intercept: str) -> None:
    """Load the data untimed; then fit once, which imports the solver's library."""
    data, fitted = load(name), intercept == "True"
    alpha = alpha_max(data.X, data.y, fit_intercept=fitted) / float(divisor)
    fit = solver(which)

    def timed() -> dict[str, Any]:
        begin = time.perf_counter()
        quietly(lambda: fit(data.X, data.y, alpha, float(tol), fitted))
        return {"begin": begin, "end": time.perf_counter()}

    serve(timed)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One fit in a fresh process: prints the seconds of import and fit; see `bench.lasso`.

python -m bench.cold DATA DIVISOR SOLVER TOL INTERCEPT
"""

from __future__ import annotations

import sys
import time

from bench.datasets import load
from bench.judge import alpha_max
from bench.solvers import quietly, solver


def main(name: str, divisor: str, which: str, tol: str, intercept: str) -> None:
    """Load data untimed, then time one fit."""
    data = load(name)
    fitted = intercept == "True"
    alpha = alpha_max(data.X, data.y, fit_intercept=fitted) / float(divisor)
    fit = solver(which)
    begin = time.perf_counter()
    quietly(lambda: fit(data.X, data.y, alpha, float(tol), fitted))
    print(time.perf_counter() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])

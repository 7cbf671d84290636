"""One fit in a fresh process: prints the seconds of import and fit; see `bench.lasso`.

python -m bench.cold DATA DIVISOR SOLVER TOL
"""

from __future__ import annotations

import sys
import time

from bench.datasets import load
from bench.judge import alpha_max
from bench.solvers import quietly, solver


def main(name: str, divisor: str, which: str, tol: str) -> None:
    """Load data untimed, then time one fit."""
    data = load(name)
    alpha = alpha_max(data.X, data.y) / float(divisor)
    fit = solver(which)
    begin = time.perf_counter()
    quietly(lambda: fit(data.X, data.y, alpha, float(tol)))
    print(time.perf_counter() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])

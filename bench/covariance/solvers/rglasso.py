"""R's glasso as a black box; the time of starting R and of passing matrices by files counts."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.covariance.solvers import demand
from bench.harness.problem import Setting, Solver

SCRIPT = """
library(glasso)
given <- commandArgs(trailingOnly = TRUE)
p <- as.integer(given[1])
S <- matrix(readBin(given[2], "double", p * p), p, p)
found <- glasso(S, rho = as.double(given[3]), thr = as.double(given[4]), maxit = 10000,
                penalize.diagonal = FALSE)
writeBin(as.vector(found$wi), given[5])
"""


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit: write the covariances."""
    demand(problem, "rglasso", "glasso")
    S, alpha, tol = problem.load(), problem.alpha, setting["tol"]
    folder = Path(tempfile.mkdtemp())
    S.tofile(folder / "S.bin")
    words = [str(len(S)), folder / "S.bin", repr(alpha), repr(tol), folder / "wi.bin"]

    def fit() -> np.ndarray:
        subprocess.run(["Rscript", "-e", SCRIPT, *map(str, words)], check=True, capture_output=True)
        return np.fromfile(folder / "wi.bin").reshape(S.shape)

    return fit


SOLVERS = {"rglasso": Solver("glasso (R)", start, module="subprocess")}

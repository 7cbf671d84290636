"""SPAMS: mini-batches, codes by least angle regression; it takes signals as columns."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Setting, Solver

#: Signals of a batch.
BATCH = 1024


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit of so many epochs, in double precision, as it fails in single precision."""
    X = np.asfortranarray(problem.load().T, dtype=np.float64)
    first = np.asfortranarray(problem.first.T)
    batches = -(-X.shape[1] // BATCH)

    def fit() -> Any:
        import spams

        atoms = spams.trainDL(
            X, D=first.copy(order="F"), lambda1=problem.alpha, mode=2, verbose=False,
            iter=setting["iterations"] * batches, batchsize=BATCH, numThreads=setting["workers"],
        )  # fmt: skip
        return np.ascontiguousarray(atoms.T), None

    return fit


SOLVERS = {"spams": Solver("spams-bin", start, "spams")}

"""A fit in a process of its own, whose address space is limited; and that of a peer."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.mapped.generated import generate
from bench.mapped.reading import forget
from bench.mapped.resident import Peak, limit_to

FITS = (
    "lasso dense",
    "lasso sparse",
    "svm dense",
    "svm sparse",
    "logistic dense",
    "als sparse",
    "pybiglasso dense",
)
#: Penalty of the logistic regressions.
ALPHA = 0.05
#: Epochs of factorisations.
EPOCHS = 5


def model_of(fit: str, y: np.ndarray, memory: Any) -> Any:
    """Return the estimator of a fit."""
    import strads

    if fit.startswith("als"):
        return strads.MatrixFactorization(
            16, solver="als", n_workers=1, max_iter=EPOCHS, tol=0.0, biases=False
        )
    if fit.startswith("svm"):
        return strads.LinearSVC(C=0.1, max_memory=memory, n_workers=1, max_iter=200)
    if fit.startswith("logistic"):
        return strads.SparseLogisticRegression(ALPHA, max_memory=memory, n_workers=1)
    alpha = 0.2 if "dense" in fit else 4.0 / len(y)
    return strads.Lasso(alpha, max_memory=memory, n_workers=1)


def child(fit: str, path: Path, target: Path, memory: int) -> dict[str, Any]:
    """Make a fit in this process, below the limit, and say how it went."""
    from strads.datasets import map_matrix

    y = np.load(target)
    if fit.startswith("pybiglasso"):
        return _peer(path, y, memory)
    with tempfile.TemporaryDirectory() as folder:  # compiles what the fit needs
        small, beside = generate(Path(folder), fit, 1 << 23)
        other = np.load(beside)
        first = map_matrix(small)
        model_of(fit, other, None).fit(first, other)
        if fit.startswith("svm"):  # few features: Newton's method, so far
            model_of(fit, other, None).set_params(loss="hinge").fit(first, other)
    take_buffers()
    X = map_matrix(path)
    limit_to(memory)
    forget(path)
    model, faults = model_of(fit, y, memory), resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    since = time.perf_counter()
    with Peak() as peak:
        model.fit(X, y)
    if fit.startswith("als"):
        return {
            "seconds": time.perf_counter() - since, "peak": peak.most, "verdict": "no certificate",
            "passes": EPOCHS, "train_rmse": model.history_[-1]["train_rmse"],
        }  # fmt: skip
    return {
        "seconds": time.perf_counter() - since, "peak": peak.most, "verdict": model.verdict_,
        "gap": float(np.max(model.dual_gap_)), "passes": model.statistics_["passes"],
        "nonzeros": int(np.count_nonzero(model.coef_)),
        "faults": resource.getrusage(resource.RUSAGE_SELF).ru_majflt - faults,
    }  # fmt: skip


def take_buffers() -> None:
    """Have the libraries of linear algebra take their buffers: they belong to Python's own memory.

    NumPy and SciPy each have an OpenBLAS, which takes some 32 MiB of addresses at first.
    """
    import scipy.linalg

    square = np.ones((300, 300))
    vector = square @ square[0]
    scipy.linalg.blas.dgemm(1.0, square, square), scipy.linalg.blas.dgemv(1.0, square, vector)
    scipy.linalg.cho_factor(square @ square + np.eye(300))


def _peer(path: Path, y: np.ndarray, memory: int) -> dict[str, Any]:
    import pybiglasso

    X = np.load(path, mmap_mode="r")
    limit_to(memory)
    forget(path)
    since = time.perf_counter()
    with Peak() as peak:
        found = pybiglasso.biglasso(
            X, (y > 0.0).astype(np.float64), lambdas=[ALPHA], stop_on_saturation=False, n_threads=1
        )
    return {
        "seconds": time.perf_counter() - since, "peak": peak.most, "verdict": "no certificate",
        "nonzeros": int(np.max(found.n_nonzero)),
    }  # fmt: skip

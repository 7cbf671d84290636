"""The first fit of every estimator in a fresh process, with an empty and with a filled cache.

Each row is a process of its own, without other work beside it. *Empty cache*: every kernel that the
fit needs is compiled. *Warm cache*: an earlier process has compiled them. *Another type*: the same
data in single precision, when the cache has double precision. Imports are counted.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from bench.harness.command import command
from bench.harness.tables import Table

DATA = """
import time
begin = time.perf_counter()
import json, warnings
import numpy as np, scipy.sparse as sp
warnings.simplefilter("ignore")  # a few epochs need not converge
rng = np.random.default_rng(0)
X = sp.random_array((800, 3000), density=0.02, format="csc", random_state=0)
y = X @ np.r_[np.ones(20), np.zeros(2980)]
R = sp.csr_array(rng.integers(1, 6, (500, 300)) * (rng.random((500, 300)) < 0.05) * 1.0)
import strads
"""
END = "\nprint(json.dumps(time.perf_counter() - begin))"
FACTORS = "(8, n_workers={workers}, max_iter=5, random_state=0).fit(R)"
FITS = {
    "Lasso, dense": "strads.Lasso(1e-3, n_workers={workers}).fit(X.toarray().astype({dtype}), y)",
    "Lasso, sparse": "strads.Lasso(1e-3, n_workers={workers}).fit(X.astype({dtype}), y)",
    "MatrixFactorization": "strads.MatrixFactorization" + FACTORS,
    "MatrixFactorization and transform": "strads.MatrixFactorization"
    + FACTORS
    + ".transform(R[:5])",
    "ImplicitFactorization": "strads.ImplicitFactorization" + FACTORS,
    "NMF": "strads.NMF" + FACTORS,
    "LatentDirichletAllocation": "strads.LatentDirichletAllocation" + FACTORS,
}


def seconds(fit: str, workers: int, dtype: str, cache: str) -> float:
    """Seconds of a fit in a fresh process, from its first line on."""
    text = DATA + fit.format(workers=workers, dtype=dtype) + END
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False,
        env={**os.environ, "STRADS_CACHE_DIR": cache},
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(json.loads(done.stdout.splitlines()[-1]))


def measured(name: str, workers: int, repeats: int) -> dict[str, Any]:
    """Seconds of one estimator's first fit; the median of `repeats`, each with its own cache."""
    fit, found = FITS[name], {"empty": [], "warm": [], "another": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            found["empty"].append(seconds(fit, workers, "np.float64", cache))
            found["warm"].append(seconds(fit, workers, "np.float64", cache))
            if "{dtype}" in fit:
                found["another"].append(seconds(fit, workers, "np.float32", cache))
    row = {
        key: f"{statistics.median(values):.1f}" if values else "" for key, values in found.items()
    }
    return {"name": name, "workers": workers, **row}


def main(repeats: int = 3, workers: int = 2, fits: list[str] = tuple(FITS)) -> list[dict[str, Any]]:
    """Seconds of the first fit of every estimator, with an empty and with a filled cache."""
    rows = [measured(name, workers, repeats) for name in fits]
    Table("first fit of a fresh process, seconds with imports", [
        ("fit", "{name}"), ("workers", "{workers}"), ("empty cache", "{empty}"),
        ("warm cache", "{warm}"), ("another type", "{another}"),
    ], rows).show()  # fmt: skip
    return rows


if __name__ == "__main__":
    command(main)

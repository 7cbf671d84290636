"""The first fit of every estimator in a fresh process, with an empty and with a filled cache.

Each row is a process of its own, without other work beside it. *Empty cache*: every kernel that the
fit needs is compiled. *Warm cache*: an earlier process has compiled them. *Another type*: the same
data in single precision, when the cache has double precision. Imports are counted.

The seconds of compiling follow the speed of the machine, so an older revision may be measured in
turns with this one: `git worktree add OLD REVISION`, then `--beside OLD`.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

from typer import Option

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
ROOT = Path(__file__).parents[2]
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


def seconds(fit: str, workers: int, dtype: str, cache: str, tree: Path) -> float:
    """Seconds of a fit in a fresh process, from its first line on, by the sources in a folder."""
    text = DATA + fit.format(workers=workers, dtype=dtype) + END
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False,
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree), "STRADS_CACHE_DIR": cache},
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(json.loads(done.stdout.splitlines()[-1]))


def measured(name: str, workers: int, repeats: int, trees: list[Path]) -> list[dict[str, Any]]:
    """Seconds of one estimator's first fit; medians of `repeats`, each with its own cache."""
    fit = FITS[name]
    found: dict[Path, list[dict[str, float]]] = {tree: [] for tree in trees}
    for _ in range(repeats):
        for tree in trees:
            with tempfile.TemporaryDirectory() as cache:
                took = {
                    "empty": seconds(fit, workers, "np.float64", cache, tree),
                    "warm": seconds(fit, workers, "np.float64", cache, tree),
                }
                if "{dtype}" in fit:
                    took["another"] = seconds(fit, workers, "np.float32", cache, tree)
                found[tree].append(took)
    return [
        {"name": name, "tree": tree.name, "workers": workers}
        | {key: statistics.median(took[key] for took in each) for key in each[0]}
        for tree, each in found.items()
    ]


def main(
    repeats: int = 3, workers: int = 2, fits: list[str] = tuple(FITS),
    beside: Annotated[str, Option(help="folder of another revision of the repository")] = "",
) -> list[dict[str, Any]]:  # fmt: skip
    """Seconds of the first fit of every estimator, with an empty and with a filled cache."""
    trees = [ROOT, *([Path(beside).resolve()] if beside else [])]
    rows = [row for name in fits for row in measured(name, workers, repeats, trees)]
    Table("first fit of a fresh process, seconds with imports", [
        ("fit", "{name}"), ("sources", "{tree}"), ("workers", "{workers}"),
        ("empty cache", "{empty:.1f}"), ("warm cache", "{warm:.1f}"),
        ("another type", "{another:.1f}"),
    ], rows).show()  # fmt: skip
    return rows


if __name__ == "__main__":
    command(main)

"""Two ranks of MPI against two worker processes on this machine: ``python -m bench.mpi``.

Each fit is made by both, and by one process that does all serially, in a process or job of its own,
a second time after a first one that compiles and starts what is needed. All have two logical
workers, and must find the same bits. All problems are generated; `--scale` multiplies their sizes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import zlib
from typing import Annotated, Any

import numpy as np
import scipy.sparse as sp
from typer import Option

from bench.harness.command import command
from bench.harness.tables import Table, keep
from bench.mpi import memory as rank_memory
from bench.mpi.ranks import on_ranks, printed

FITS = ("lasso", "factors", "topics")
COLUMNS = [
    ("fit", "{fit}"), ("on", "{on}"), ("seconds", "{seconds:.2f}"),
    ("against processes", "{ratio:.2f}"), ("MB sent a rank", "{sent_mb:,.1f}"),
    ("exchanges", "{exchanges:,}"), ("in them s", "{exchange_seconds:.2f}"),
    ("peak MiB a rank", "{peak_mib:,.0f}"),
]  # fmt: skip


def problem(fit: str, scale: float) -> tuple[Any, ...]:
    """Return the data of a fit."""
    rng = np.random.default_rng(0)
    if fit == "lasso":  # 25 entries a column, on 20,000 samples
        rows, columns = max(60, int(20_000 * scale)), max(100, int(400_000 * scale))
        X = _sparse(rng, columns, rows, 25).T.tocsc()
        weights = np.zeros(columns)
        weights[rng.choice(columns, max(3, columns // 2000), replace=False)] = 1.0
        return X, X @ weights + 0.1 * rng.standard_normal(rows)
    if fit == "factors":  # a tenth of Netflix's users and items, as many ratings a user
        users, items = max(60, int(48_000 * scale)), max(40, int(1_800 * scale))
        R = _sparse(rng, users, items, min(200, items // 2))
        R.data[:] = rng.integers(1, 6, R.nnz)
        return (R,)
    documents, words = max(40, int(25_000 * scale)), max(60, int(20_000 * scale))
    counts = _sparse(rng, documents, words, min(120, words // 2))
    counts.data[:] = rng.integers(1, 3, counts.nnz)
    return (counts,)


def _sparse(rng: np.random.Generator, rows: int, columns: int, each: int) -> sp.csr_array:
    """Return a matrix with at most so many entries a row, more of them in the first columns."""
    places = (columns * rng.random((rows, each)) ** 2).astype(np.int32)
    made = sp.csr_array(
        (rng.standard_normal(rows * each), places.ravel(), each * np.arange(rows + 1)),
        shape=(rows, columns),
    )
    made.sum_duplicates()
    return made


def model_of(fit: str, workers: int, data: tuple[Any, ...]) -> Any:
    """Return the estimator of a fit; `workers` counts those of a rank."""
    from strads import Lasso, LatentDirichletAllocation, MatrixFactorization

    if fit == "lasso":
        X, y = data
        alpha = float(np.abs(X.T @ (y - y.mean())).max()) / len(y) / 50
        return Lasso(alpha, n_workers=workers)
    if fit == "factors":
        return MatrixFactorization(40, solver="sgd", max_iter=5, n_workers=workers)
    return LatentDirichletAllocation(100, max_iter=10, n_workers=workers)


def child(fit: str, workers: int, scale: float) -> dict[str, Any] | None:
    """Fit twice in this process; return how the second fit went, on rank 0 for all ranks."""
    data = problem(fit, scale)
    model = model_of(fit, workers, data)
    model.fit(*data)
    since = time.perf_counter()
    model.fit(*data)
    row = {"seconds": time.perf_counter() - since, **model.statistics_.get("ranks", {})}
    row["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    names = ("coef_", "user_factors_", "item_factors_", "components_")
    found = [getattr(model, name) for name in names if hasattr(model, name)]
    row["digest"] = zlib.crc32(b"".join(np.ascontiguousarray(a).tobytes() for a in found))
    if os.environ["STRADS_EXECUTOR"] == "processes":
        return row | {"peak_mib": None}  # worker processes share most of their memory
    if os.environ["STRADS_EXECUTOR"] == "serial":
        return row
    from mpi4py import MPI

    rows = MPI.COMM_WORLD.gather(row)
    if rows is None:
        return None
    assert len({each["digest"] for each in rows}) == 1
    for name in ("peak_mib", "bytes_sent"):  # of the rank that has most
        row[name] = max(each[name] for each in rows)
    return row


def measured(fit: str, on: str, scale: float, timeout: float) -> dict[str, Any]:
    """Run a fit in a child, or on two ranks."""
    given = ["--child", fit, 1 if on == "mpi" else 2, scale]
    words = [sys.executable, "-m", "bench.mpi", *map(str, given)]
    if on == "mpi":
        words = on_ranks(2, "bench.mpi", *given)
    row: dict[str, Any] = {"fit": fit, "on": on, **printed(words, timeout, STRADS_EXECUTOR=on)}
    if "bytes_sent" in row:
        row["sent_mb"] = row["bytes_sent"] / 1e6
    return row


def main(
    scale: float = 1.0,
    fits: Annotated[list[str] | None, Option(help="lasso, factors, topics; see FITS")] = None,
    repeats: int = 3,
    timeout: float = 1800.0,
    tiny: Annotated[bool, Option(help="does it run at all; writes nothing")] = False,
    memory: Annotated[bool, Option(help="memory of a rank instead: bench/mpi/memory.py")] = False,
) -> list[dict[str, Any]]:
    """Measure, print and write seconds, bytes and memory of each fit; medians over the repeats."""
    if memory:
        nbytes = rank_memory.TINY if tiny else int(scale * rank_memory.NBYTES)
        rows = rank_memory.compared(
            fits or rank_memory.FITS, nbytes, (2,) if tiny else rank_memory.RANKS
        )
        if not tiny:
            keep("rank-memory", rows)
        return rows
    rows = []
    for fit in fits or FITS:
        found = []
        for on in ("serial", "processes", "mpi"):
            tries = [
                measured(fit, on, 1e-4 if tiny else scale, timeout)
                for _ in range(1 if tiny else repeats)
            ]
            tries.sort(key=lambda row: row["seconds"])
            found.append(tries[len(tries) // 2])
        _, processes, ranks = found
        assert len({row["digest"] for row in found}) == 1, f"{fit}: the bits differ"
        ranks["ratio"] = ranks["seconds"] / processes["seconds"]
        rows += found
    Table("Two ranks against two worker processes", COLUMNS, rows).show()
    if not tiny:
        keep("mpi", [{name: row.get(name) for name in rows[-1]} for row in rows])
    return rows


if __name__ == "__main__":
    if "--child" in sys.argv:
        at = sys.argv.index("--child")
        told = child(sys.argv[at + 1], int(sys.argv[at + 2]), float(sys.argv[at + 3]))
        if told is not None:
            print(json.dumps(told), flush=True)
    else:
        command(main)

"""Fits of data four times the memory that they may take: ``python -m bench.mapped``.

Each fit runs in a process of its own, whose address space is limited to what Python takes before
the fit, and `--memory`; a peer has the map of the file as well. So nothing can be copied that does
not fit. Its resident memory is looked up every 20 ms. The files are generated in a temporary
folder, and are put out of the system's file cache before each fit, where the system does so on
request.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from strads.datasets.mapped.folder import TURNED, write_description
from strads.datasets.mapped.writing import Entries, write_entries

FITS = (
    "lasso dense",
    "lasso sparse",
    "svm dense",
    "svm sparse",
    "logistic dense",
    "als sparse",
    "pybiglasso dense",
)
#: Bytes generated, or read, together.
BLOCK = 16 << 20
#: How a process is started whose address space is limited: libraries take little of it.
LEAN = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
#: Penalty of the logistic regressions.
ALPHA = 0.05
#: Ratings of a user, and epochs, of factorisations.
RATINGS, EPOCHS = 400, 5
#: Features that the target depends on.
USED = 20


def generate(folder: Path, fit: str, nbytes: int) -> tuple[Path, Path]:
    """Write X of about so many bytes, and y; return their paths."""
    rng = np.random.default_rng(0)
    if fit.startswith("als"):
        return _ratings(folder, nbytes)
    by_columns = not fit.startswith("svm")
    if "sparse" in fit:
        return _sparse(folder, rng, by_columns, nbytes)
    count = 1024 if not by_columns else max(nbytes // 8 // (1 << 14), 64)
    shape = (nbytes // 8 // count, count)
    path = folder / "X.npy"
    X = np.lib.format.open_memmap(path, "w+", np.float64, shape, fortran_order=by_columns)
    y = rng.normal(size=shape[0])
    stripes = X.T if by_columns else X
    step = max(1, BLOCK // (8 * stripes.shape[1]))
    weights = np.zeros(shape[1])
    weights[rng.choice(shape[1], USED, replace=False)] = 1.0
    for first in range(0, len(stripes), step):
        part = rng.normal(size=(min(step, len(stripes) - first), stripes.shape[1]))
        stripes[first : first + step] = part
        if by_columns:
            y += weights[first : first + step] @ part
        else:
            y[first : first + step] += part @ weights
    X.flush()
    np.save(folder / "y.npy", y if fit.startswith("lasso") else np.sign(y))
    return path, folder / "y.npy"


def _sparse(
    folder: Path, rng: np.random.Generator, by_columns: bool, nbytes: int
) -> tuple[Path, Path]:
    entries, each = nbytes // 12, 100
    count = entries // each
    other = max(count // 2, each) if by_columns else max(count // 4, each)
    total = count * each
    data = np.lib.format.open_memmap(folder / "data.npy", "w+", np.float64, (total,))
    indices = np.lib.format.open_memmap(folder / "indices.npy", "w+", np.int32, (total,))
    values = rng.normal(size=other if by_columns else count)
    weights = np.zeros(count if by_columns else other)
    weights[rng.choice(len(weights), min(USED * 50, len(weights) // 2), replace=False)] = 1.0
    step = max(1, BLOCK // (12 * each))
    for first in range(0, count, step):
        rows = min(step, count - first)
        gaps = rng.integers(1, max(2, other // each), size=(rows, each))
        places = np.minimum(np.cumsum(gaps, axis=1) - 1, other - 1)
        places = np.minimum(places, other - each + np.arange(each))  # they rise to the last one
        part = rng.normal(size=(rows, each)) / 10.0
        at = slice(first * each, (first + rows) * each)
        data[at], indices[at] = part.ravel(), places.ravel()
        if by_columns:
            used = np.flatnonzero(weights[first : first + rows])
            np.add.at(values, places[used].ravel(), 10.0 * part[used].ravel())
        else:
            values[first : first + rows] += 10.0 * (part * weights[places]).sum(axis=1)
    data.flush(), indices.flush()
    np.save(folder / "indptr.npy", each * np.arange(count + 1))
    layout, shape = ("csc", (other, count)) if by_columns else ("csr", (count, other))
    write_description(folder, layout, shape)
    np.save(folder / "target.npy", values if by_columns else np.sign(values))
    return folder, folder / "target.npy"


def _ratings(folder: Path, nbytes: int) -> tuple[Path, Path]:
    """Write ratings by rows and by columns, of so many bytes together."""
    entries = nbytes // (2 * 8)
    users, items = max(entries // RATINGS, 1), max(entries // RATINGS // 4, 2 * RATINGS)
    step = max(1, BLOCK // (8 * RATINGS))

    def parts() -> Iterator[Entries]:
        rng = np.random.default_rng(1)
        taste = rng.normal(size=items)
        for first in range(0, users, step):
            rows = np.arange(first, min(first + step, users))
            gaps = rng.integers(1, items // RATINGS + 1, size=(len(rows), RATINGS))
            places = np.cumsum(gaps, axis=1) - 1
            values = taste[places] * rng.normal(size=(len(rows), 1)) + rng.normal(size=places.shape)
            yield Entries(np.repeat(rows, RATINGS), places.ravel(), values.ravel())

    counts = np.zeros(items, np.int64)
    for part in parts():
        counts += np.bincount(part.columns, minlength=items)
    (folder / TURNED).mkdir()
    write_entries(folder / TURNED, "csc", (users, items), counts, parts(), np.float32)
    of_users = np.full(users, RATINGS)
    write_entries(folder, "csr", (users, items), of_users, parts(), np.float32)
    np.save(folder / "target.npy", np.zeros(1))
    return folder, folder / "target.npy"


def read_once(path: Path) -> float:
    """Return the seconds that reading the files takes."""
    files = [path] if path.is_file() else sorted(path.rglob("*.npy"))
    forget(path)
    since = time.perf_counter()
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(BLOCK):
                pass
    return time.perf_counter() - since


def forget(path: Path) -> None:
    """Ask the system to drop the files from its cache."""
    for file in [path] if path.is_file() else path.rglob("*.npy"):
        fd = os.open(file, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


class Peak:
    """Looks up the resident memory of this process every 20 ms."""

    def __enter__(self) -> Peak:
        give_back_heap()
        self.most, self.begun, self.ended = 0, resident(), threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.ended.wait(0.02):
            self.most = max(self.most, resident() - self.begun)

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def give_back_heap() -> None:
    """Have the C library give free memory back, which would not count as added otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident() -> int:
    """Return the bytes of memory that this process has resident, pages of files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


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


def limit_to(memory: int) -> None:
    """Limit the address space to what it has now, and so much more."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + memory, resource.RLIM_INFINITY))


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


def measured(fit: str, memory: int, times: float) -> dict[str, Any]:
    """Generate data, make a fit in a process of its own, and return what was measured."""
    with tempfile.TemporaryDirectory(prefix="strads-mapped-") as folder:
        path, target = generate(Path(folder), fit, int(times * memory))
        seconds = read_once(path)
        files = [path] if path.is_file() else list(path.rglob("*.npy"))
        nbytes = sum(file.stat().st_size for file in files)
        command = [sys.executable, "-m", "bench.mapped", "--child", fit, "--memory", str(memory)]
        found = subprocess.run(
            [*command, "--path", str(path), "--target", str(target)], capture_output=True,
            text=True, env={**os.environ, **LEAN}, check=False,
        )  # fmt: skip
    told: dict[str, Any] = {"fit": fit, "nbytes": nbytes, "read_once": seconds}
    if found.returncode:
        return {**told, "error": (found.stderr.strip().splitlines() or ["killed"])[-1]}
    return {**told, **json.loads(found.stdout.splitlines()[-1])}


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a line for each fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fits", nargs="*", default=list(FITS), help=f"of {', '.join(FITS)}")
    parser.add_argument("--memory", type=int, default=256 << 20, help="bytes that a fit may take")
    parser.add_argument("--times", type=float, default=4.0, help="size of the data, in limits")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        print(json.dumps(child(asked.child, asked.path, asked.target, asked.memory)))
        return 0
    failed = 0
    for fit in asked.fits:
        found = measured(fit, asked.memory, asked.times)
        failed += "error" in found
        print(json.dumps(found), flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

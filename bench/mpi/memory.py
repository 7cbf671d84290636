"""Memory of a rank beside what it is to hold: a part of ``python -m bench.mpi --memory``.

Every fit runs on 1, 2 and 4 ranks with a worker each, on data in files of a temporary folder; and
once more on tiny data, whose memory is that of Python, its libraries, MPI and the compiled code.
The difference is what the fit takes. Peaks are those of the rank that has most.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness.tables import Table
from bench.mapped.generated import generate as mapped_data
from bench.mpi.programs import Factors, Logistic
from bench.mpi.ranks import ALONE, on_ranks, printed
from strads.datasets import map_matrix
from strads.datasets.mapped.writing import Entries, write_entries

#: What is fitted, and which data of :mod:`bench.mapped` it gets.
FITS = {
    "sums": "svm sparse", "rotation": "als sparse", "lasso": "lasso sparse",
    "dense lasso": "lasso dense", "svm": "svm sparse", "als": "als sparse", "topics": "counts",
}  # fmt: skip
#: Arrays of a run that ranks share out, by fit; all others are on every rank.
SHARED_OUT = {
    "sums": ("X",), "rotation": ("R",), "topics": ("doc", "doc_counts", "list_length",
    "list_pairs"),
}  # fmt: skip
#: Arrays of which every rank has whole copies in the end: what the estimator returns.
RETURNED = {"rotation": ("W", "H"), "als": ("W", "H"), "topics": ("z",)}
RANKS = (1, 2, 4)
#: Bytes of data, and of those that say what a rank has without any.
NBYTES, TINY = 256 << 20, 1 << 19
#: Memory that a linear model may take beside its file.
LIMIT = 96 << 20
COLUMNS = [
    ("fit", "{fit}"), ("ranks", "{ranks}"), ("data MiB", "{data:,.0f}"),
    ("on every rank", "{replicated:,.0f}"), ("bound MiB", "{bound:,.0f}"),
    ("peak MiB a rank", "{peak:,.0f}"), ("of its own", "{own:,.0f}"),
    ("pages of files", "{files:,.0f}"),
]  # fmt: skip


class Peaks:
    """Looks up the memory of this process that is not of files, every 5 ms, and its peak."""

    def __enter__(self) -> Peaks:
        self.own, self.files, self.ended = 0, 0, threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.ended.wait(0.005):
            found = status()
            self.own = max(self.own, found["RssAnon"] + found["RssShmem"])
            self.files = max(self.files, found["RssFile"])

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def status() -> dict[str, int]:
    """Return the sizes of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    pairs = (line.split()[:2] for line in lines if line.endswith("kB"))
    return {name.rstrip(":"): 1024 * int(number) for name, number in pairs}


def generate(folder: Path, name: str, nbytes: int) -> None:
    """Write the data of a fit, about so many bytes, to a folder."""
    if FITS[name] != "counts":
        mapped_data(folder, FITS[name], nbytes)
        return
    each, words = 100, 10_000
    documents = max(nbytes // (8 * each), 8)

    def parts() -> Iterator[Entries]:
        rng = np.random.default_rng(1)
        for first in range(0, documents, 10_000):
            rows = np.arange(first, min(first + 10_000, documents))
            places = np.sort(rng.integers(0, words - each, size=(len(rows), each)), axis=1)
            places += np.arange(each)  # they rise
            values = rng.integers(1, 3, size=places.shape).astype(np.float32)
            yield Entries(np.repeat(rows, each), places.ravel(), values.ravel())

    lengths = np.full(documents, each)
    write_entries(folder, "csr", (documents, words), lengths, parts(), np.float32)
    np.save(folder / "target.npy", np.zeros(1))


def fit(name: str, folder: Path) -> Any:
    """Make a fit; return the statistics of its run."""
    import strads

    y = np.load(folder / ("y.npy" if name == "dense lasso" else "target.npy"))
    matrix = map_matrix(folder / "X.npy" if name == "dense lasso" else folder)
    if name in ("sums", "rotation"):
        X = matrix.as_maps()
    if name == "sums":
        return strads.run(Logistic(X=X, y=y), epochs=5).statistics
    if name == "rotation":
        return strads.run(Factors(R=X, rank=16), epochs=3).statistics
    model: Any
    if "lasso" in name:
        alpha = 0.2 if "dense" in name else 4.0 / len(y)
        model = strads.Lasso(alpha, max_memory=LIMIT, n_workers=1).fit(matrix, y)
    elif name == "svm":
        model = strads.LinearSVC(C=0.1, max_memory=LIMIT, n_workers=1, max_iter=20).fit(matrix, y)
    elif name == "als":
        model = strads.MatrixFactorization(16, solver="als", max_iter=3, n_workers=1).fit(matrix)
    else:
        model = strads.LatentDirichletAllocation(20, max_iter=3, n_workers=1).fit(matrix)
    return model.statistics_


def child(name: str, folder: Path) -> dict[str, Any] | None:
    """Make a fit on this rank; return on rank 0 the peaks of the rank that has most."""
    from mpi4py import MPI

    with Peaks() as peaks:
        statistics = fit(name, folder)
    mine = {"peak": status()["VmHWM"], "own": peaks.own, "files": peaks.files}
    every = MPI.COMM_WORLD.gather(mine)
    if every is None:
        return None
    return {
        **{word: max(one[word] for one in every) for word in mine}, "bytes": statistics["bytes"],
    }  # fmt: skip


def measured(name: str, folder: Path, ranks: int) -> dict[str, Any]:
    """Return the peaks of a fit on so many ranks."""
    words = on_ranks(ranks, "bench.mpi.memory", name, folder)
    found: dict[str, Any] = printed(words, **ALONE)
    return found


def sizes(name: str, folder: Path, held: dict[str, dict[str, int]]) -> tuple[int, int]:
    """Return the bytes of a fit's data, and of what every rank has; `held` is by kind and name.

    Data of fits that read files in passes are the files. What a linear model takes beside its file
    is what it was allowed to take.
    """
    # Of the engine's own arrays most is reserved and never touched.
    flat = {n: size for kind, of in held.items() if kind != "engine" for n, size in of.items()}
    shared = sum(flat.get(n, 0) for n in SHARED_OUT.get(name, ()))
    copies = sum(flat[n] for n in RETURNED.get(name, ()))
    if name in SHARED_OUT:
        return shared, sum(flat.values()) - shared + copies
    files = sum(f.stat().st_size for f in folder.rglob("*.npy") if f.name != "target.npy")
    return files, sum(flat.values()) + copies if name == "als" else LIMIT


def compared(names: Iterable[str], nbytes: int, ranks: Iterable[int]) -> list[dict[str, Any]]:
    """Measure, and show for each fit and number of ranks what a rank takes, and its bound."""
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="strads-ranks-") as folder:
            large, tiny = Path(folder) / "large", Path(folder) / "tiny"
            for path, size in ((large, nbytes), (tiny, min(nbytes, TINY))):
                path.mkdir()
                generate(path, name, size)
            measured(name, tiny, 1)  # compiles
            for count in ranks:
                without, found = measured(name, tiny, count), measured(name, large, count)
                data, replicated = sizes(name, large, found["bytes"])
                row: dict[str, Any] = {
                    word: (found[word] - without[word]) / 2**20 for word in ("peak", "own", "files")
                }
                row |= {"data": data / 2**20, "replicated": replicated / 2**20}
                row["bound"] = 1.3 * row["data"] / count + row["replicated"]
                rows.append({"fit": name, "ranks": count, **row})
    Table("Memory of a rank", COLUMNS, rows).show()
    return rows


if __name__ == "__main__":
    told = child(sys.argv[1], Path(sys.argv[2]))
    if told is not None:
        print(json.dumps(told), flush=True)

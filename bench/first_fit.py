"""Seconds of the first fit in a fresh process, for kernels in a module, a script and a notebook.

    python -m bench.first_fit [--repeats N] [--workers 1 2] [--kinds module script notebook]

Every process imports strads, then runs a program of the user's once. *Empty cache*: its kernels
are compiled. *Warm cache*: they were compiled by an earlier process. *Edited*: a constant in a
kernel has changed since; the answer says whether the new one ran. The import is not counted, it
stands in a column of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from bench.harness.tables import show

PROGRAM = """
import numpy as np
from strads import Program, RoundRobin, data, derived, kernel, outbox, variable

class Smooth(Program):
    X = data("rows", "cols", layout="csc")
    w = variable("cols")
    r = derived("rows")
    delta = outbox("block")
    schedule = RoundRobin("cols", lease=64, micro=4)

    @kernel
    def push(block, X, w, delta):
        for i, j in enumerate(block):
            delta[i] = {factor} * (j + 1) - w[j]
            w[j] += delta[i]

    @kernel
    def pull(block, delta, rows, r):
        for i, j in enumerate(block):
            if rows[0] <= j < rows[1]:
                r[j] += delta[i]

    @kernel
    def measure(cols, w):
        return w[cols[0]:cols[1]].sum()

    def progress(self, parts):
        return dict(total=parts.sum())
"""
RUN = """
import json, time
begin = time.perf_counter()
import strads
imported = time.perf_counter()
{use}
import scipy.sparse as sp
fit = time.perf_counter()
result = strads.run(Smooth(X=sp.eye_array(1000, format="csc")), workers={workers}, epochs=2)
print(json.dumps(dict(imported=imported - begin, fit=time.perf_counter() - fit,
                      answer=result.figures["total"] / 500500.0,
                      compiled=sorted(set(result.statistics["compiled"].values())))))
"""


def as_script(folder: Path, program: str, workers: int) -> dict[str, Any]:
    """Run the program's text and the fit as one unguarded script."""
    path = folder / "fit.py"
    path.write_text(RUN.format(use=program, workers=workers))
    return _python(path)


def as_module(folder: Path, program: str, workers: int) -> dict[str, Any]:
    """Import the program from a module beside the script."""
    (folder / "smoothing.py").write_text(program)
    path = folder / "fit_module.py"
    path.write_text(RUN.format(use="from smoothing import Smooth", workers=workers))
    return _python(path)


def as_notebook(folder: Path, program: str, workers: int) -> dict[str, Any]:
    """Define the program in a cell and fit in the next, in a kernel of their own."""
    head, tail = RUN.format(use="#cut", workers=workers).split("#cut")
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(text) for text in (head, program, tail)]
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return json.loads(book.cells[-1].outputs[-1]["text"].splitlines()[-1])


def _python(path: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


KINDS: dict[str, Callable[[Path, str, int], dict[str, Any]]] = {
    "module": as_module, "script": as_script, "notebook": as_notebook,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> list[dict[str, float | str]]:
    """Measure and print a table; return its rows."""
    parser = argparse.ArgumentParser(prog="bench.first_fit", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    options = parser.parse_args(arguments)
    rows = [
        _measured(kind, workers, options.repeats)
        for kind in options.kinds
        for workers in options.workers
    ]
    show("first fit in a fresh process, seconds over the import", list(rows[0]),
         [[f"{each:.3f}" if isinstance(each, float) else each for each in row.values()]
          for row in rows])  # fmt: skip
    return rows


def _measured(kind: str, workers: int, repeats: int) -> dict[str, float | str]:
    with tempfile.TemporaryDirectory() as name:
        folder, before = Path(name), os.environ.get("STRADS_CACHE_DIR")
        os.environ["STRADS_CACHE_DIR"] = str(folder / "cache")
        try:
            empty = KINDS[kind](folder, PROGRAM.format(factor=2.0), workers)
            warm = [
                KINDS[kind](folder, PROGRAM.format(factor=2.0), workers) for _ in range(repeats)
            ]
            edited = KINDS[kind](folder, PROGRAM.format(factor=3.0), workers)
        finally:
            if before is None:
                del os.environ["STRADS_CACHE_DIR"]
            else:
                os.environ["STRADS_CACHE_DIR"] = before
    right = all(fit["answer"] == 2.0 for fit in (empty, *warm)) and edited["answer"] == 3.0
    return {
        "kernels in": kind,
        "workers": str(workers),
        "import": statistics.median(fit["imported"] for fit in warm),
        "empty cache": empty["fit"],
        "warm cache": statistics.median(fit["fit"] for fit in warm),
        "edited": edited["fit"],
        "kernels then from": ", ".join(warm[-1]["compiled"]),
        "right answers": "yes" if right else "NO",
    }


if __name__ == "__main__":
    main()

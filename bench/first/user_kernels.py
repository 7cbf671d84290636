"""The first fit of a fresh process, for kernels in a module, a script and a notebook."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
from nbclient import NotebookClient

from bench.harness.command import command
from bench.harness.tables import Table

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


KINDS = {"module": as_module, "script": as_script, "notebook": as_notebook}


def main(
    repeats: int = 5,
    workers: list[int] = (1, 2),
    kinds: list[str] = tuple(KINDS),
) -> list[dict[str, Any]]:
    """Seconds of the first fit in a fresh process, for kernels in a module, script and notebook.

    Every process imports strads, then runs a program of the user's once. Empty cache: its kernels
    are compiled. Warm cache: they were compiled by an earlier process. Edited: a constant in a
    kernel has changed since; the answer says whether the new one ran. The import is not counted.
    """
    rows = [measured(kind, crew, repeats) for kind in kinds for crew in workers]
    Table("first fit in a fresh process, seconds over the import", [
        ("kernels in", "{kind}"), ("workers", "{workers}"), ("import", "{imported:.3f}"),
        ("empty cache", "{empty:.3f}"), ("warm cache", "{warm:.3f}"), ("edited", "{edited:.3f}"),
        ("kernels then from", "{compiled}"), ("right answers", "{right}"),
    ], rows).show()  # fmt: skip
    return rows


def measured(kind: str, workers: int, repeats: int) -> dict[str, Any]:
    """First fits of kernels in a module, a script or a notebook, with a cache of their own."""
    with tempfile.TemporaryDirectory() as name:
        cache = {"STRADS_CACHE_DIR": f"{name}/cache"}
        with mock.patch.dict(os.environ, cache):
            empty, *warm, edited = (
                KINDS[kind](Path(name), PROGRAM.format(factor=factor), workers)
                for factor in (2.0, *[2.0] * repeats, 3.0)
            )
    right = all(fit["answer"] == 2.0 for fit in (empty, *warm)) and edited["answer"] == 3.0
    return {
        "kind": kind, "workers": workers, "empty": empty["fit"], "edited": edited["fit"],
        "imported": statistics.median(fit["imported"] for fit in warm),
        "warm": statistics.median(fit["fit"] for fit in warm),
        "compiled": ", ".join(warm[-1]["compiled"]), "right": "yes" if right else "NO",
    }  # fmt: skip


if __name__ == "__main__":
    command(main)

"""Fits of data four times the memory that they may take: ``python -m bench.mapped``.

Each fit runs in a process of its own, whose address space is limited to what Python takes before
the fit, and `--memory`; a peer has the map of the file as well. So nothing can be copied that does
not fit. Its resident memory is looked up every 20 ms. The files are generated in a temporary
folder, and are put out of the system's file cache before each fit, where the system does so on
request.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.mapped.fits import FITS, child
from bench.mapped.generated import generate
from bench.mapped.reading import read_once

#: How a process is started whose address space is limited: libraries take little of it.
LEAN = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}


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
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
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

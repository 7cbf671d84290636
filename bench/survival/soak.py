"""Long-run stability: several fits at once, under random faults, beside competing load.

Two processes make fits of all kinds (:mod:`bench.survival.soaking`) while faults strike at random;
a third slot runs batch jobs that are ended by signals and resumed; one more process takes what it
gets of the cores. At the end nothing may be lost, wrong, or left, and memory and descriptors of
the fitting processes must be level.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.survival.children import VARIABLE, Hung, named_segments, processes_with
from bench.survival.fits import FITS
from bench.survival.judged import KINDS
from bench.survival.resume import job

FITTERS = 2
#: By how much memory may grow from the first quarter of the fits to the last one, as a share of
#: what it was, and descriptors, in numbers.
GROWTH, MORE = 0.15, 4
#: Seconds that a fitter may take, after its time, for its last fit.
PATIENCE_S = 120.0
_LOAD = "while True: pass"


def main(
    minutes: float = 20.0, seed: int = 0, size: float = 0.7, kinds: Iterable[str] = KINDS
) -> bool:
    """Soak for so long; print counts; whether all was as it should be."""
    mark, segments = secrets.token_hex(8), named_segments()
    environment = {**os.environ, VARIABLE: mark}
    root, seconds = Path(__file__).parents[2], 60.0 * minutes

    def arguments(k: int) -> list[str]:
        return [str(seed + k), str(size), str(seconds), ",".join(kinds)]

    load = subprocess.Popen([sys.executable, "-c", _LOAD], env=environment)
    fitters = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.survival.soaking", *arguments(k)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root,
            env=environment,
        )
        for k in range(FITTERS)
    ]  # fmt: skip
    told: list[list[dict[str, Any]]] = [[] for _ in fitters]
    readers = [
        threading.Thread(target=_read, args=(fitter, rows))
        for fitter, rows in zip(fitters, told, strict=True)
    ]
    for reader in readers:
        reader.start()
    ended, jobs, wrong = _batch(seconds, random.Random(seed))
    for reader in readers:
        reader.join(PATIENCE_S)
    failures = list(wrong)
    for fitter in fitters:
        try:
            fitter.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            failures.append("a fitter has not ended")
    for fitter in [*fitters, load]:
        fitter.kill()
        fitter.wait()
    for number, (fitter, rows) in enumerate(zip(fitters, told, strict=True)):
        made = sum("kind" in row for row in rows)
        if fitter.returncode or not made:
            failures.append(f"fitter {number} made {made} fits; exit code {fitter.returncode}")
    failures += _report(told)
    print(
        f"soak: {jobs} batch jobs, ended by a signal {sum(ended.values())} times "
        f"({ended['SIGTERM']} SIGTERM, {ended['SIGKILL']} SIGKILL): {len(wrong)} with other bits"
    )
    left = _left(mark) + sorted(named_segments() - segments)
    print(f"soak: {minutes:g} minutes, {len(failures)} failures, left: {', '.join(left) or 'none'}")
    for failure in failures:
        print(f"soak: {failure}")
    return not failures and not left


def _read(fitter: subprocess.Popen[str], rows: list[dict[str, Any]]) -> None:
    assert fitter.stdout is not None
    rows += map(json.loads, fitter.stdout)


def _batch(seconds: float, choose: random.Random) -> tuple[Counter[str], int, list[str]]:
    """Run batch jobs for so long; return how often they were ended, their number, and failures."""
    until, ended, jobs = time.monotonic() + seconds, Counter[str](), 0
    expected: dict[str, str] = {}
    wrong: list[str] = []
    while time.monotonic() < until:
        kind = [*FITS][jobs % len(FITS)]
        try:
            if kind not in expected:
                expected[kind] = job(kind, choose, ended, disturbed=False)
            found = job(kind, choose, ended, disturbed=True)
        except Hung as error:
            found = str(error)
        jobs += 1
        if found != expected.get(kind):
            wrong.append(f"a job of {kind}: {found}")
    return ended, jobs, wrong


def _report(told: list[list[dict[str, Any]]]) -> list[str]:
    """Print the counts of all fitters; return what was wrong."""
    failures: list[str] = []
    fits, faults, replaced = Counter[str](), Counter[str](), 0
    for number, rows in enumerate(told):
        made = [row for row in rows if "kind" in row]
        fits.update(row["kind"] for row in made)
        for row in made:
            faults.update(row["faults"])
            replaced += row["replaced"]
            if row["failure"]:
                failures.append(f"{row['kind']}: {row['failure']}")
        failures += _level(number, made)
    print(f"soak: {sum(fits.values())} fits ({_listed(fits)})")
    print(f"soak: {sum(faults.values())} faults ({_listed(faults)}), {replaced} processes replaced")
    return failures


def _level(number: int, made: list[dict[str, Any]]) -> list[str]:
    """Compare the last quarter of a process's fits with the first one."""
    quarter = len(made) // 4
    if quarter == 0:
        return []
    wrong = []
    for name, unit in (("memory", "KiB"), ("descriptors", "open")):
        first = max(row[name] for row in made[:quarter])
        last = max(row[name] for row in made[-quarter:])
        print(f"soak: process {number}: {name} {first:,} {unit} in the first quarter, {last:,} "
              "in the last")  # fmt: skip
        allowed = first * (1.0 + GROWTH) if name == "memory" else first + MORE
        if last > allowed:
            wrong.append(f"{name} of process {number} grew from {first:,} to {last:,}")
    return wrong


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _left(mark: str, most: float = 5.0) -> list[str]:
    """Return the processes of the soak that are still there after a while."""
    until = time.monotonic() + most
    while (found := processes_with(mark)) and time.monotonic() < until:
        time.sleep(0.02)
    return [f"process {pid}" for pid in found]

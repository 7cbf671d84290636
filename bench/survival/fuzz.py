"""Hostile files and arrays, read and fitted in child processes: ``python -m bench.survival fuzz``.

Every try has a number, from which all of it is drawn, so that it can be repeated. A child makes
some hundred tries, one after another: a crash, a hang, and memory beyond `MOST_MIB` are failures
of the try that it was at.
"""

import contextlib
import faulthandler
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

BATCH = 500
PATIENCE_S = 60.0  # a try that takes longer hangs; a first one may compile
MOST_MIB = 200.0
MOST_ENDED = 20  # children that end within a try; then something else is wrong
SPACE_MIB = 6 << 10  # of addresses, so that the machine survives what is absurd


def main(times: int = 10_000, seed: int = 0, only: int | None = None, batch: int = BATCH) -> bool:
    """Make tries; print what failed and how many of each kind there were; whether none failed."""
    since, failures, kinds = time.perf_counter(), 0, Counter[str]()
    first, last = (0, times) if only is None else (only, only + 1)
    while first < last and kinds["process"] < MOST_ENDED:
        for number, kind, wrong in _batch(seed, first, min(last, first + batch)):
            kinds[kind.partition(" ")[0]] += 1
            first = number + 1
            if wrong:
                failures += 1
                print(f"fuzz: try {number} of seed {seed}: {kind}: {wrong}", flush=True)
    seconds = time.perf_counter() - since
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    print(f"fuzz: {kinds.total():,} tries ({told}), {failures} failures, {seconds:.0f} s")
    return failures == 0


def _batch(seed: int, first: int, last: int) -> Iterator[tuple[int, str, str]]:
    """Run a child; return number, kind and failure of its tries, the last one may be cut short."""
    with tempfile.TemporaryFile("w+") as errors, _child(errors, seed, first, last) as child:
        assert child.stdout is not None
        done = first
        # A child ends itself when a try hangs.
        for line in child.stdout:
            number, kind, wrong = line.rstrip("\n").split("\t")
            yield int(number), kind, wrong
            done = int(number) + 1
        if done < last:
            code = child.wait()
            errors.seek(0)
            told = " | ".join(errors.read()[-600:].split("\n")[-8:])
            yield done, "process", f"it ended with code {code} within this try: {told}"


@contextlib.contextmanager
def _child(errors: Any, seed: int, first: int, last: int) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", __name__, str(seed), str(first), str(last)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=Path(__file__).parents[2]
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def tries(seed: int, first: int, last: int, folder: Path) -> Iterator[tuple[int, str, str]]:
    """Make the tries of these numbers in this process; yield number, kind and failure."""
    from bench.survival.hostile import arrays, files, models

    for number in range(first, last):
        choose = random.Random(f"{seed}/{number}")
        kind = choose.choices(["file", "model", "arrays"], [5, 2, 5])[0]
        if kind == "file":
            what, wrong = files.attempt(choose, folder)
        elif kind == "model":
            what, wrong = models.attempt(choose, folder)
        else:
            what, wrong = arrays.attempt(choose)
        yield number, f"{kind} {what}", wrong or ""


def _serve(seed: int, first: int, last: int) -> None:
    """Be the child: tell of every try in a line of its own."""
    import resource

    space = SPACE_MIB << 20
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    faulthandler.enable()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what estimators print
    import_module("bench.survival.hostile.models")  # else its memory would be that of a try

    with tempfile.TemporaryDirectory() as folder:
        made = tries(seed, first, last, Path(folder))
        while True:
            faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
            _peak(reset=True)
            before = _peak()
            found = next(made, None)
            if found is None:
                break
            number, kind, wrong = found
            taken = _peak() - before
            if taken > MOST_MIB and not wrong:
                wrong = f"it took {taken:,.0f} MiB"
            print(number, *(" ".join(str(t).split()) for t in (kind, wrong)), sep="\t", file=out,
                  flush=True)  # fmt: skip
    faulthandler.cancel_dump_traceback_later()


def _peak(*, reset: bool = False) -> float:
    """Return the most MiB that this process has had in memory since it was reset."""
    with contextlib.suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    _serve(*map(int, sys.argv[1:]))

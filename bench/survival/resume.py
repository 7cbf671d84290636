"""A batch job that is ended again and again, and resumed: the bits of its answer are the same.

One script serves the first try and each later one: its checkpoints are in the folder from which it
resumes. SIGTERM waits for the present step; every third signal is SIGKILL, which does not. Then
single bits of a checkpoint are flipped: each such file must be refused by name.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bench.survival.children import Child, Hung
from bench.survival.counting import Counting
from bench.survival.fits import FITS
from strads import iterate, run
from strads.engine import DataError

#: Flipped bits for each job.
FLIPS_EACH = 10
#: A job is ended after at most so many seconds of fitting, at a random moment.
LONGEST_S = 1.5
#: A job that does not end after so many tries makes no progress.
MOST_TRIES = 60


def main(times: int = 20, seed: int = 0) -> bool:
    """Run so many jobs; print a line for each kind; whether all answers had the right bits."""
    failures, counts = 0, Counter[str]()
    expected: dict[str, str] = {}
    for number in range(times):
        kind = [*FITS][number % len(FITS)]
        choose = random.Random(f"{seed}/{number}")
        try:
            if kind not in expected:
                expected[kind] = job(kind, random.Random(0), counts, disturbed=False)
            found = job(kind, choose, counts, disturbed=True)
        except Hung as error:
            found = str(error)
        if found != expected.get(kind):
            failures += 1
            print(f"resume: job {number}, {kind}: {found}, not {expected.get(kind)}", flush=True)
    told = ", ".join(f"{count} by {name}" for name, count in counts.items())
    print(f"resume: {times} jobs, ended {told}: {failures} with other bits")
    accepted = _accepted(FLIPS_EACH * times, random.Random(seed))
    print(f"resume: {FLIPS_EACH * times} flipped bits of a checkpoint, {accepted} accepted")
    return failures == accepted == 0


def job(kind: str, choose: random.Random, counts: Counter[str], *, disturbed: bool) -> str:
    """Return the digest of a job's answer.

    Parameters
    ----------
    kind : str
        One of the fits.
    choose : Random
    counts : Counter
        Counts the signals that have ended it.
    disturbed : bool
        Whether it is ended again and again before it is done.
    """
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(MOST_TRIES):
            with Child(kind, "resumed", folder) as child:
                child.line("begin")
                if disturbed and attempt < MOST_TRIES - 1:
                    time.sleep(choose.uniform(0.0, LONGEST_S * (1.0 + attempt / 10)))
                    number = signal.SIGKILL if attempt % 3 == 2 else signal.SIGTERM
                    child.process.send_signal(number)
                    if child.process.wait(60) == -number:
                        counts[number.name] += 1
                        continue
                return child.line("digest")
    return f"not done after {MOST_TRIES} tries"


def _accepted(flips: int, choose: random.Random) -> int:
    """Flip single bits of a checkpoint, one at a time; return how many files were accepted."""
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "saved.ckpt")
        with iterate(Counting(ids=5_000), workers=2, executor="serial", epochs=2) as steps:
            next(iter(steps))
            steps.save(path)
        sound = path.read_bytes()
        expected = run(Counting(ids=5_000), workers=2, executor="serial", epochs=3)
        resumed = run(Counting(ids=5_000), workers=2, executor="serial", epochs=3, resume_from=path)
        if not np.array_equal(resumed.state["x"], expected.state["x"]):
            return flips
        for _ in range(flips):
            place, bit = choose.randrange(len(sound)), choose.randrange(8)
            damaged = bytearray(sound)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                run(Counting(ids=5_000), workers=2, executor="serial", epochs=3, resume_from=path)
            except DataError as error:
                if str(path) in str(error):
                    continue
            accepted += 1
            print(f"resume: bit {bit} of byte {place} was flipped, and the file accepted")
    return accepted

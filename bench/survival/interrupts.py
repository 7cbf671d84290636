"""Ctrl-C, once and twice, at a random moment of a fit: the next fit must be right."""

import os
import random
import signal
import time
from collections import Counter

from bench.survival.children import Child, Hung
from bench.survival.fits import FITS


def main(times: int = 50, seed: int = 0) -> bool:
    """Make so many tries with one Ctrl-C, and with two; print what came; whether none failed."""
    failures = 0
    for count in (1, 2):
        ends, worst = Counter[str](), 0.0
        for number in range(times):
            choose = random.Random(f"{seed}/{count}/{number}")
            kind = [*FITS][number % len(FITS)]
            try:
                end, seconds, wrong = _strike(kind, count, choose)
            except Hung as error:
                end, seconds, wrong = "hung", 0.0, str(error)
            ends[end] += 1
            worst = max(worst, seconds)
            if wrong:
                failures += 1
                print(f"interrupts: {count} × Ctrl-C, try {number}, {kind}: {wrong}", flush=True)
        told = ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
        print(
            f"interrupts: Ctrl-C {('once', 'twice')[count - 1]}, {times} times: {told}; "
            f"the fit ended {worst:.3f} s after the last one at worst",
            flush=True,
        )
    print(f"interrupts: {failures} failures")
    return failures == 0


def _strike(kind: str, count: int, choose: random.Random) -> tuple[str, float, str]:
    """Interrupt a fit; return how it ended, seconds since the last Ctrl-C, and what is wrong."""
    with Child(kind, "interrupted") as child:
        child.line("begin")
        length = float(child.line("again"))
        time.sleep(choose.uniform(0.0, length))
        os.kill(child.process.pid, signal.SIGINT)
        if count == 2:
            time.sleep(choose.choice([0.0, choose.uniform(0.0, 0.01), choose.uniform(0.0, 0.3)]))
            os.kill(child.process.pid, signal.SIGINT)
        since = time.perf_counter()
        end = child.line("done")
        seconds = time.perf_counter() - since
        right = "done"
        while right.startswith("done"):
            child.answer()  # an interrupt may take away a line that has come: the child asks again
            right = child.line("")
        wrong = "" if right == "right" else f"the next fit: {right}"
        if (code := child.process.wait(60)) != 0:
            wrong = wrong or f"it ended with code {code}"
        if (left := child.seconds_left())[1]:
            wrong = wrong or f"left: {', '.join(left[1])}"
        return end, seconds, wrong

"""``kill -9`` of the leader at a random moment of a fit: after a second nothing may be left."""

import os
import random
import signal
import time

from bench.survival.children import Child, Hung
from bench.survival.fits import FITS

ALLOWED_S = 1.0
COLD_S = 2.0  # about the length of a first fit, which starts the processes


def main(times: int = 50, seed: int = 0) -> bool:
    """Make tries; print failures, and the worst seconds; whether none failed."""
    failures, worst, early = 0, 0.0, 0
    for number in range(times):
        choose = random.Random(f"{seed}/{number}")
        kind = [*FITS][number % len(FITS)]
        cold = choose.random() < 1 / 3
        early += cold
        try:
            seconds, left, running = _strike(kind, choose, cold=cold)
        except Hung as error:
            failures += 1
            print(f"leader: try {number}, {kind}: {error}", flush=True)
            continue
        worst = max(worst, seconds)
        if left or seconds > ALLOWED_S:
            failures += 1
            told = ", ".join(left) or f"the last of {running} processes took {seconds:.2f} s"
            print(f"leader: try {number}, {kind}: left: {told}", flush=True)
    print(
        f"leader: killed {times} times ({early} of them in a first fit), {failures} failures, "
        f"all gone after {worst:.3f} s at worst"
    )
    return failures == 0


def _strike(kind: str, choose: random.Random, *, cold: bool) -> tuple[float, list[str], int]:
    """Kill a leader; return seconds until all had ended, what was left, and what had been there."""
    with Child(kind, "until-killed") as child:
        child.line("begin")
        length = COLD_S if cold else float(child.line("again"))
        time.sleep(choose.uniform(0.0, 1.2 * length))
        running = len(child.left())
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        return (*child.seconds_left(), running)

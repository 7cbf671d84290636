"""A process of the soak: ``python -m bench.survival.soaking SEED SIZE SECONDS NAMES``.

It makes one fit after another under random faults, and tells of each in a line of JSON: its kind,
whether the result is as good as that of a quiet fit, the faults that struck, the processes that
were replaced, and the memory and the descriptors that this process holds then.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

from bench.survival.judged import kinds
from strads import Chaos

#: Kinds of faults; one after the other in some proportion.
MODES = ("kill", "kill", "kill-scheduler", "crash", "stop", "delay", "delay", "kill-nursery")
#: Mean number of faults in a fit, and their largest number.
FAULTS, MOST = 1.5, 5


def held() -> dict[str, int]:
    """Return the private memory of this process in KiB, and its open descriptors."""
    status = Path("/proc/self/status").read_text()
    memory = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return {"memory": int(memory.split()[1]), "descriptors": len(os.listdir("/proc/self/fd"))}


def main(seed: int, size: float, seconds: float, names: str) -> None:
    """Fit until the time is over."""
    all_kinds, bounds, usual = kinds(size, names.split(",")), {}, {}
    for name, kind in all_kinds.items():
        values = []
        for _ in range(2):
            since = time.perf_counter()
            values.append(kind.value(kind.fit([])[0]))
            usual[name] = time.perf_counter() - since
        bounds[name] = kind.most(values)
    print(json.dumps({"begin": sorted(all_kinds), **held()}), flush=True)
    choose, until = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < until:
        name = choose.choice(sorted(all_kinds))
        chaos = Chaos(FAULTS / usual[name], MODES, seed=choose.randrange(2**31), most=MOST)
        told = {"kind": name, "failure": ""}
        deaths = 0
        try:
            result, statistics = all_kinds[name].fit([chaos])
            deaths = len(statistics["deaths"])
            value = all_kinds[name].value(result)
            if not value <= bounds[name]:
                told["failure"] = f"{value:.4g} exceeds {bounds[name]:.4g}"
        except Exception as error:
            told["failure"] = f"{type(error).__name__}: {error}"
        print(
            json.dumps({**told, "faults": dict(chaos.counts), "replaced": deaths, **held()}),
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])

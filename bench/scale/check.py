"""The model beside two ranks of MPI on this machine, whose network is its memory.

Latency and bandwidth are measured between the two ranks. With these the model foretells the seconds
of a fit, from its first launch to the end of its last one, and two ranks make the same fit.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.mpi.ranks import ALONE, on_ranks, printed
from bench.scale.counting import rows_of
from bench.scale.launches import seconds_of_launches
from bench.scale.model import Network, modelled
from bench.scale.problems import Problem, problems
from strads.engine.mpi.executor import Mpi
from strads.engine.mpi.ranks import FIRST, job

#: Bytes of a long message, and how often messages are sent.
LONG, OFTEN = 8 << 20, 200


def checked(problem: Problem, scale: float, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield a row: what the model says of two ranks, and what they took.

    Parameters
    ----------
    problem : Problem
    scale : float
        With which the ranks make the same problem.
    repeats : int
        Of the fit by ranks; the median counts.
    """
    rows = pd.DataFrame(rows_of(problem, (1, 2), 2, repeats))
    two = rows.iloc[1]
    if two["epochs"] != two["epochs"]:
        return
    found = measured(problem.name, scale, int(two["epochs"]), repeats)
    network = Network("memory", found["latency"], found["byte"])
    launches = rows.assign(once=0.0, once_hops=0, once_path=0)  # the ranks' clock runs in these
    told = modelled(launches, network).iloc[1]
    yield {
        "fit": problem.name, "size": problem.size, "epochs": int(two["epochs"]),
        "latency": network.latency, "byte": network.byte, "modelled": told["seconds"],
        "measured": found["seconds"], "ratio": told["seconds"] / found["seconds"],
    }  # fmt: skip


def measured(name: str, scale: float, epochs: int, repeats: int) -> dict[str, float]:
    """Return what two ranks measure: seconds of a fit, of a message, and of a byte."""
    words = on_ranks(2, __name__, name, scale, epochs, repeats)
    found: dict[str, float] = printed(words, **ALONE)
    return found


def child(name: str, scale: float, epochs: int, repeats: int) -> dict[str, float]:
    """Measure on this rank."""
    (problem,) = problems(scale, [name])
    fit = partial(problem.fit, 1, **({"max_iter": epochs} if problem.figure else {}))
    fit()  # compiles
    spent = partial(seconds_of_launches, Mpi, time.perf_counter, fit)
    return {"seconds": statistics.median(spent() for _ in range(repeats)), **messages()}


def messages() -> dict[str, float]:
    """Return the seconds of a short exchange, and those that a byte more takes."""
    ranks = job()
    short, long = (np.zeros(size, np.uint8) for size in (FIRST, LONG))
    shorts, longs = (np.zeros((ranks.size, len(one)), np.uint8) for one in (short, long))
    latency = _median(lambda: ranks.comm.Allgather(short, shorts))
    whole = _median(lambda: ranks.comm.Allgather(long, longs))
    return {"latency": latency, "byte": max(whole - latency, 0.0) / (LONG * (ranks.size - 1))}


def _median(exchange: Callable[[], None]) -> float:
    seconds = list[float]()
    for _ in range(OFTEN):
        since = time.perf_counter()
        exchange()
        seconds.append(time.perf_counter() - since)
    return statistics.median(seconds)


if __name__ == "__main__":
    told = child(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    if job().rank == 0:
        print(json.dumps(told), flush=True)

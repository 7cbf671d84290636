"""A row for each number of nodes: what was counted and measured, before anything is modelled."""

import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from bench.scale.launches import seconds_of_launches
from bench.scale.problems import Problem, digest
from bench.scale.ranks import again, together
from bench.scale.wire import Exchange, Times
from strads.engine.rounds.serial import Serial

#: Gathered bytes, those of all ranks together, from which MPI libraries send them round a ring.
RING = 512 * 1024


def rows_of(
    problem: Problem, nodes: Sequence[int], timed: int, repeats: int
) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of nodes; the first one must be 1.

    Parameters
    ----------
    problem : Problem
    nodes : sequence of int
    timed : int
        The largest number of ranks whose time is taken.
    repeats : int
        How often each of them is timed; the least times count, since noise only adds to them.
    """
    goal: float | None = None
    for count in nodes:
        row: dict[str, Any] = {"fit": problem.name, "size": problem.size, "nodes": count}
        limit: dict[str, int] = {}
        with _executor("serial"):
            if problem.figure:
                epochs, last = problem.reached(count, goal)
                goal = last if goal is None else goal
                if epochs is None:
                    yield row
                    continue
                limit = {"max_iter": epochs}
            model = problem.fit(count, **limit)
            row |= {"epochs": int(model.n_iter_), "judged": problem.judged(model)}
            if problem.figure:
                limit = {"max_iter": problem.some}
                model = problem.fit(count, **limit)
            row["counted"] = int(model.n_iter_)
            work = partial(_work, problem, limit)
            if count == 1:
                spent = partial(seconds_of_launches, Serial, time.process_time, work)
                row["alone"] = min(spent() for _ in range(repeats))
        with _executor("mpi"):
            if count == 1:
                together(1, work)  # compiles what only ranks need
            found, exchanges = together(count, work)
            assert {*found} == {digest(model)}, f"{problem.name}, {count} ranks: the bits differ"
            some = sorted({count * k // timed for k in range(timed)})
            times = [again(rank, count, work, exchanges, repeats) for rank in some]
        yield row | counted(exchanges, times)


def _work(problem: Problem, limit: dict[str, int]) -> int:
    return digest(problem.fit(1, **limit))


def counted(exchanges: Sequence[Exchange], times: Sequence[Times]) -> dict[str, float]:
    """Return counts and sums over the exchanges of a fit.

    What a rank does before the first exchange, laying out its data, is apart; what follows the last
    one is left out. *hops* are messages that wait for each other, and *path* the bytes that one
    rank has to send or get one after the other. Names that begin with *once* are of the exchanges
    before the first launch and after the last one: these do not grow with the epochs.
    """
    seconds = np.array([each.seconds for each in times])
    kernels = np.array([each.kernels for each in times])
    ways = np.array([_way(each.sizes) for each in exchanges])
    prepare = seconds[:, 0].copy()
    seconds[:, 0] = 0.0
    within = np.zeros(len(exchanges), bool)
    within[slice(*(int(end) for end in times[0].launches))] = True
    launched, rest = seconds[:, within], seconds[:, ~within]
    some = [each for each, launch in zip(exchanges, within, strict=True) if launch]
    return {
        "exchanges": len(some),
        "hops": int(ways[within, 0].sum()), "path": int(ways[within, 1].sum()),
        "sent": float(np.sum([_sent(each.sizes) for each in some], axis=0).max()),
        "received": float(np.sum([_received(each.sizes) for each in some], axis=0).max()),
        "prepare": float(prepare.max()),
        "kernels": float(kernels[:, within].mean(axis=0).sum()),
        "slowest_kernels": float(kernels[:, within].max(axis=0).sum()),
        "slowest": float(launched.max(axis=0).sum()), "mean": float(launched.mean(axis=0).sum()),
        "once": float(rest.max(axis=0).sum()), "once_hops": int(ways[~within, 0].sum()),
        "once_path": int(ways[~within, 1].sum()),
    }  # fmt: skip


def _way(sizes: np.ndarray) -> tuple[int, int]:
    """Return hops and bytes on the path of one exchange, by the usual algorithms.

    A gathering of few bytes: recursive doubling. Of many: a ring. A swap: each pair of ranks that
    has something to say, one pair of a rank after the other.
    """
    count = len(sizes)
    if count == 1:
        return 0, 0
    if sizes.ndim == 1:
        total, received = int(sizes.sum()), int(sizes.sum() - sizes.min())
        return (math.ceil(math.log2(count)) if total < RING else count - 1), received
    away = sizes * (1 - np.eye(count, dtype=np.int64))
    partners = np.maximum((away > 0).sum(axis=0), (away > 0).sum(axis=1))
    return int(partners.max()), int(max(_sent(away).max(), _received(away).max()))


def _sent(sizes: np.ndarray) -> np.ndarray:
    return sizes if sizes.ndim == 1 else sizes.sum(axis=1)


def _received(sizes: np.ndarray) -> np.ndarray:
    return sizes.sum() - sizes if sizes.ndim == 1 else sizes.sum(axis=0)


@contextmanager
def _executor(name: str) -> Iterator[None]:
    before = os.environ.get("STRADS_EXECUTOR")
    os.environ["STRADS_EXECUTOR"] = name
    try:
        yield
    finally:
        os.environ.pop("STRADS_EXECUTOR")
        if before is not None:
            os.environ["STRADS_EXECUTOR"] = before

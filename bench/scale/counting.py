"""A row for each number of nodes: what was counted and measured, before anything is modelled."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from bench.scale.problems import Problem, digest
from bench.scale.ranks import Exchange, Times, again, seconds_alone, together

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
                row["alone"] = min(seconds_alone(work) for _ in range(repeats))
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
    rank has to send or get one after the other.
    """
    seconds = np.array([each.seconds for each in times])
    kernels = np.array([each.kernels for each in times])[:, 1:]
    prepare, within = seconds[:, 0], seconds[:, 1:]
    ways = [_way(each.sizes) for each in exchanges]
    return {
        "exchanges": len(exchanges),
        "hops": sum(hops for hops, _ in ways), "path": sum(path for _, path in ways),
        "sent": float(np.sum([_sent(each.sizes) for each in exchanges], axis=0).max()),
        "received": float(np.sum([_received(each.sizes) for each in exchanges], axis=0).max()),
        "prepare": float(prepare.max()),
        "kernels": float(kernels.mean(axis=0).sum()),
        "slowest_kernels": float(kernels.max(axis=0).sum()),
        "slowest": float(within.max(axis=0).sum()), "mean": float(within.mean(axis=0).sum()),
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

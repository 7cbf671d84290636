"""Time to draw, check and re-weigh one id of the priority schedule.

Leases are large (512 ids a worker, 8 micro-rounds), so that the price of a call is small beside
them. Feedback is random: weights are as uneven as changes are.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp

from strads import CSC, CSR, Correlation, Gram, Graph, Partition, Priority, uniform
from strads.engine import COUNT, World, allocate_lease
from strads.kernels.scheduling.sumtree import (
    sumtree_build,
    sumtree_draw,
    sumtree_empty,
    sumtree_set,
)

WORKERS, LEASE, MICRO = 2, 512, 8
PAIR, POLICY, CHECK = "bare tree, an id", "schedule without coupling, an id", "check, an id"
#: Target of microseconds per id, by number of ids.
TARGETS = {10_000: 0.3, 10_000_000: 0.8}


@numba.njit(nogil=True, error_model="numpy")
def draw_and_weigh(tree, offsets, key, times):
    """Draw ids and give each a new weight."""
    for i in range(times):
        j = sumtree_draw(tree, offsets, uniform(key, i))
        sumtree_set(tree, offsets, j, 0.1 + uniform(key, i, 1))


def pairs(size: int, batches: int) -> np.ndarray:
    """Microseconds of a draw and a set on a bare tree, a mean for every batch."""
    tree, offsets = sumtree_empty(size)
    sumtree_build(tree, offsets, np.random.default_rng(0).exponential(size=size))
    draw_and_weigh(tree, offsets, 0, 1)
    found = []
    for key in range(batches):
        begin = time.perf_counter()
        draw_and_weigh(tree, offsets, key, 1000)
        found.append((time.perf_counter() - begin) * 1e3)
    return np.array(found)


def leases(schedule: Priority, size: int, arrays: dict[str, Any], batches: int) -> np.ndarray:
    """Microseconds an id of filling a lease and observing it, for every lease."""
    world = World(partition=Partition.contiguous(size, WORKERS), workers=WORKERS, arrays=arrays,
                  sequential=True)  # fmt: skip
    policy = schedule.start(world)
    lease = allocate_lease(WORKERS, schedule.capacity(world), MICRO)
    change = np.random.default_rng(0).exponential(size=lease.change.shape)
    found = []
    for batch in range(2 * batches):
        begin = time.perf_counter()
        policy.fill(lease)
        filled = time.perf_counter()
        lease.change[...] = change
        told = time.perf_counter()
        policy.observe(lease)
        seconds = filled - begin + time.perf_counter() - told
        if batch >= batches:  # by then everything has been visited, and weighed
            found.append(seconds / max(1, lease.info[COUNT]) * 1e6)
    return np.array(found)


def couplings(tiny: bool) -> list[tuple[str, int, Any, dict[str, Any]]]:
    """Name, ids, coupling and arrays of every dependency check."""
    rng = np.random.default_rng(0)
    few, many = (200, 500) if tiny else (2000, 10_000)
    X = rng.normal(size=(20 * few if tiny else 4000, few)).astype(np.float32)
    G = X.T @ X
    gram = {"G": G, "d": np.diag(G).astype(np.float64)}
    # Words of a text: few are common.
    n = 25_000
    often = 1.0 / np.arange(1, n + 1) ** 0.8
    columns = [np.unique(rng.choice(n, 25, p=often / often.sum())) for _ in range(many)]
    starts = np.concatenate([[0], np.cumsum([len(c) for c in columns])]).astype(np.int32)
    rows = np.concatenate(columns).astype(np.int32)
    text = {"A": CSC(rng.random(len(rows)), rows, starts)}
    ends = rng.integers(0, many, (10 * many, 2))
    half = sp.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (many, many))
    both = sp.csr_array(half + half.T)
    both.sort_indices()
    graph = {"J": CSR(both.data, both.indices, both.indptr)}
    return [
        (f"Gram, {few:,} ids", few, Gram("G", "d"), gram),
        (f"Correlation, {many:,} sparse columns of 25", many, Correlation("A"), text),
        (f"Graph, {many:,} ids of 20 neighbours", many, Graph("J"), graph),
    ]


def measure(tiny: bool, repeats: int) -> Iterator[tuple[str, str, np.ndarray, float]]:
    """Yield group, name, times and target of every row of the priority schedule."""
    sizes = [1000] if tiny else [10_000, 100_000, 1_000_000, 10_000_000]
    batches = 4 if tiny else 60 * repeats
    plain = Priority("ids", lease=LEASE, micro=MICRO, by="draws")
    for size in sizes:
        yield PAIR, f"J = {size:,}", pairs(size, batches), TARGETS.get(size, np.nan)
    for size in sizes:
        visits = max(batches, min(size // (WORKERS * LEASE), 1000))
        yield POLICY, f"J = {size:,}", leases(plain, size, {}, visits), TARGETS.get(size, np.nan)
    for name, size, coupling, arrays in couplings(tiny):
        alone = leases(plain, size, {}, batches)
        coupled = replace(plain, rho=0.1, coupling=coupling)
        times = leases(coupled, size, arrays, batches)
        yield CHECK, name, times - np.median(alone), np.nan

"""The step clock: counters of several processes, and waiting for them.

Every counter has one writer. A waiter spins for a bounded time, yields a few times, then sleeps
on the ring count of a *bell*, which whoever completes a step rings if anybody sleeps. Words of a
bell, a pair of cache lines apart: abort, ring count, sleepers, spin budget. Beside the ring count
stands what a single waiter has reserved the bell for, if it does: the scheduler sleeps for many
rounds, and waking it at each would cost more than the rounds do.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.sync.atomics import fence, fetch_add, load_acquire, pause, store_release
from strads.kernels.sync.waiting import futex_wait, futex_wake, yield_cpu

kernel = numba.njit(nogil=True, error_model="numpy")

STRIDE = 16  # int64 words between two counters: a pair of cache lines
ABORT, RING, SLEEPERS, SPINS = 0, STRIDE, 2 * STRIDE, 3 * STRIDE
RESERVED = RING + 1
_YIELDS = 8
_SLEEP_NS = 10_000_000  # a lost wake-up costs this much, never a hang


@kernel
def lagging(clocks: np.ndarray, n: int, target: int, first: int) -> int:
    """Return the first of counters ``first..n-1`` that is below `target`, or `n`."""
    while first < n and load_acquire(clocks, first * STRIDE) >= target:
        first += 1
    return first


@kernel
def ring(bell: np.ndarray) -> None:
    """Wake everybody who sleeps on the bell."""
    fetch_add(bell, RING, 1)
    futex_wake(bell, RING)


@kernel
def publish(clocks: np.ndarray, n: int, p: int, value: int, bell: np.ndarray) -> None:
    """Set counter `p` of `n`; ring if that raised the smallest counter and somebody sleeps.

    A bell that is reserved rings no sooner than the smallest counter has the reserved value.
    """
    before = load_acquire(clocks, p * STRIDE)
    store_release(clocks, p * STRIDE, value)
    # Counter, fence, sleepers here; sleepers, fence, counter in `_sleep`: one sees the other.
    fence()
    if load_acquire(bell, SLEEPERS) > 0:
        awaited = max(before + 1, load_acquire(bell, RESERVED))
        if lagging(clocks, n, awaited, 0) == n:
            ring(bell)


@kernel
def await_all(clocks: np.ndarray, n: int, target: int, bell: np.ndarray) -> bool:
    """Wait until every counter is at least `target`; False if the run was aborted."""
    spins = load_acquire(bell, SPINS)
    tries = 0
    # Counters only grow: one that has arrived is not looked at again.
    p = lagging(clocks, n, target, 0)
    while p < n and load_acquire(bell, ABORT) == 0:
        tries += 1
        if tries <= spins:
            pause()
        elif tries <= spins + _YIELDS:
            yield_cpu()
        else:
            _sleep(clocks, p, target, bell)
        p = lagging(clocks, n, target, p)
    return load_acquire(bell, ABORT) == 0


@kernel
def await_alone(clocks: np.ndarray, n: int, target: int, bell: np.ndarray) -> bool:
    """Wait like :func:`await_all`, on a bell that nobody else waits for: it rings at the end."""
    store_release(bell, RESERVED, target)
    return await_all(clocks, n, target, bell)


@kernel
def _sleep(clocks: np.ndarray, p: int, target: int, bell: np.ndarray) -> None:
    """Sleep until the bell rings, unless counter `p` has arrived meanwhile."""
    rung = load_acquire(bell, RING)
    fetch_add(bell, SLEEPERS, 1)
    fence()
    if load_acquire(clocks, p * STRIDE) < target and load_acquire(bell, ABORT) == 0:
        futex_wait(bell, RING, rung, _SLEEP_NS)
    fetch_add(bell, SLEEPERS, -1)


@kernel
def advance(word: np.ndarray, value: int, bell: np.ndarray) -> None:
    """Set a counter that only one process writes; ring if somebody sleeps."""
    publish(word, 1, 0, value, bell)


@kernel
def await_word(word: np.ndarray, target: int, bell: np.ndarray) -> bool:
    """Wait for a single counter; False if the run was aborted."""
    return await_all(word, 1, target, bell)


@kernel
def abort(bell: np.ndarray) -> None:
    """Free every waiter: their waits return False."""
    store_release(bell, ABORT, 1)
    ring(bell)

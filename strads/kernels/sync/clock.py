"""The step clock: counters in shared memory, one a process, and functions that wait for them.

Every counter has one writer. A process that waits spins for a bounded time, yields its core a few
times, then sleeps on the array `wake` until whoever completes a step wakes it. Words of `wake`, a
pair of cache lines apart: abort, count of wake-ups, number of sleepers, number of spins. Beside the
count of wake-ups stands the value that a lone waiter waits for, if it has named one: the scheduler
sleeps for many rounds, and waking it at each of them would cost more than the rounds do.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.sync.atomics import fence, fetch_add, load_acquire, pause, store_release
from strads.kernels.sync.waiting import futex_wait, futex_wake, yield_cpu

kernel = numba.njit(nogil=True, error_model="numpy")

STRIDE = 16  # int64 words between two counters: a pair of cache lines
ABORT, WAKES, SLEEPERS, SPINS = 0, STRIDE, 2 * STRIDE, 3 * STRIDE
LONE_TARGET = WAKES + 1
_YIELDS = 8
_SLEEP_NS = 10_000_000  # a lost wake-up costs this much, never a hang


@kernel
def lagging(clocks: np.ndarray, n: int, target: int, first: int) -> int:
    """Return the first of counters ``first..n-1`` that is below `target`, or `n`."""
    while first < n and load_acquire(clocks, first * STRIDE) >= target:
        first += 1
    return first


@kernel
def wake_all(wake: np.ndarray) -> None:
    """Wake every process that sleeps on `wake`."""
    fetch_add(wake, WAKES, 1)
    futex_wake(wake, WAKES)


@kernel
def publish(clocks: np.ndarray, n: int, p: int, value: int, wake: np.ndarray) -> None:
    """Set counter `p` of `n`; wake the sleepers, if any, if that raised the smallest counter.

    A lone waiter is not woken before the smallest counter has reached the value it waits for.
    """
    before = load_acquire(clocks, p * STRIDE)
    store_release(clocks, p * STRIDE, value)
    # Counter, fence, sleepers here; sleepers, fence, counter in `_sleep`: one sees the other.
    fence()
    if load_acquire(wake, SLEEPERS) > 0:
        awaited = max(before + 1, load_acquire(wake, LONE_TARGET))
        if lagging(clocks, n, awaited, 0) == n:
            wake_all(wake)


@kernel
def await_all(clocks: np.ndarray, n: int, target: int, wake: np.ndarray) -> bool:
    """Wait until every counter is at least `target`; False if the run was aborted."""
    return _await(clocks, n, target, wake, load_acquire(wake, SPINS))


@kernel
def _await(clocks: np.ndarray, n: int, target: int, wake: np.ndarray, spins: int) -> bool:
    tries = 0
    # Counters only grow: one that has reached the target is not read again.
    p = lagging(clocks, n, target, 0)
    while p < n and load_acquire(wake, ABORT) == 0:
        tries += 1
        if tries <= spins:
            pause()
        elif tries <= spins + _YIELDS:
            yield_cpu()
        else:
            _sleep(clocks, p, target, wake)
        p = lagging(clocks, n, target, p)
    return load_acquire(wake, ABORT) == 0


@kernel
def await_alone(clocks: np.ndarray, n: int, target: int, wake: np.ndarray) -> bool:
    """Wait like :func:`await_all`, where no other process sleeps: woken only at the target."""
    store_release(wake, LONE_TARGET, target)
    return await_all(clocks, n, target, wake)


@kernel
def _sleep(clocks: np.ndarray, p: int, target: int, wake: np.ndarray) -> None:
    """Sleep until woken, unless counter `p` has reached the target meanwhile."""
    seen = load_acquire(wake, WAKES)
    fetch_add(wake, SLEEPERS, 1)
    fence()
    if load_acquire(clocks, p * STRIDE) < target and load_acquire(wake, ABORT) == 0:
        futex_wait(wake, WAKES, seen, _SLEEP_NS)
    fetch_add(wake, SLEEPERS, -1)


@kernel
def advance(word: np.ndarray, value: int, wake: np.ndarray) -> None:
    """Set a counter that only one process writes; wake those who sleep."""
    publish(word, 1, 0, value, wake)


@kernel
def await_lease(
    published: np.ndarray, target: int, wake: np.ndarray, scheduler: np.ndarray
) -> bool:
    """Wait for the scheduler's counter; False if the run was aborted.

    It may need the core, so who waits for it spins no longer than `scheduler` lets itself spin.
    """
    return _await(published, 1, target, wake, load_acquire(scheduler, SPINS))


@kernel
def abort(wake: np.ndarray) -> None:
    """Free every waiter: their waits return False."""
    store_release(wake, ABORT, 1)
    wake_all(wake)

"""Time of 1,000 steps of the clock between processes, forked before the timing starts."""

import mmap
import os

import numba
import numpy as np
import pytest

from strads.kernels.sync.clock import SPINS, STRIDE, abort, await_all, publish

STEPS = 1000

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics")


@numba.njit(nogil=True)
def keep_step(clocks, n, p, wake, steps):
    """Step until aborted, or a number of times; return whether the run goes on."""
    first = clocks[p * STRIDE]
    for t in range(first + 1, first + 1 + steps):
        publish(clocks, n, p, t, wake)
        if not await_all(clocks, n, t, wake):
            return False
    return True


@pytest.mark.parametrize(("n", "spins"), [(2, 4000), (8, 0)])
def test_step(benchmark, n, spins):
    words = np.frombuffer(mmap.mmap(-1, 8 * (n + 4) * STRIDE), np.int64)
    clocks, wake = np.split(words, [n * STRIDE])
    wake[SPINS] = spins
    keep_step(clocks, n, 0, wake, 0)
    abort(wake)
    wake[: 3 * STRIDE] = 0
    children = []
    for p in range(1, n):
        child = os.fork()
        if child == 0:
            try:
                keep_step(clocks, n, p, wake, 2**62)
            finally:
                os._exit(0)
        children.append(child)
    assert benchmark(keep_step, clocks, n, 0, wake, STEPS)
    abort(wake)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0

"""Atomics and the step clock: one process by property, several by force."""

import mmap
import os
import time

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.errors import TypingError
from numba.extending import intrinsic

from strads.kernels.sync import atomics, waiting
from strads.kernels.sync.atomics import (
    cycles,
    fence,
    fetch_add,
    load_acquire,
    pause,
    store_release,
)
from strads.kernels.sync.clock import (
    ABORT,
    LONE_TARGET,
    SLEEPERS,
    SPINS,
    STRIDE,
    WAKES,
    abort,
    advance,
    await_all,
    await_alone,
    await_lease,
    publish,
)

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics")


@numba.njit
def store(words, i, value):
    fence()
    store_release(words, i, value)
    pause()
    return load_acquire(words, i)


@numba.njit
def add(words, i, value):
    return fetch_add(words, i, value)


@numba.njit
def two_readings():
    first = cycles()
    return first, cycles()


@compiled
def test_without_a_counter_of_cycles_the_clock_of_the_system_is_read():
    # What other machines than x86 compile, compiled here.
    clock = intrinsic(lambda typing: (numba.int64(), atomics._nanoseconds))

    def readings(often):
        first = last = clock()
        for _ in range(often):
            now = clock()
            if now < last:
                return first, 0
            last = now
        return first, last

    before = time.monotonic_ns()
    first, last = numba.njit(readings)(1000)
    assert before <= first < last <= time.monotonic_ns()


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("x86_64", True), ("AMD64", True), ("aarch64", False), ("arm64", False)],
)
def test_only_x86_may_read_its_own_counter(machine, expected):
    assert atomics._may_read_cycles(machine) is expected


@numba.njit
def add_often(words, times):
    for _ in range(times):
        fetch_add(words, STRIDE, 1)


@numba.njit(nogil=True)
def keep_step(clocks, n, p, wake, cells, steps):
    """Write a cell without any care, step, and count cells of others that lag behind."""
    late = 0
    for t in range(1, steps + 1):
        cells[t % 2, p * STRIDE] = t
        publish(clocks, n, p, t, wake)
        if not await_all(clocks, n, t, wake):
            return -1
        for q in range(n):
            late += cells[t % 2, q * STRIDE] != t
    return late


@numba.njit(nogil=True)
def pass_on(here, there, wake, first, turns):
    """Wait for the other's turn and answer it; return how many waits were cut short."""
    short = 0
    for t in range(first, turns, 2):
        short += not await_lease(there, t, wake, wake)
        advance(here, t + 1, wake)
    return short


def shared(words):
    return np.frombuffer(mmap.mmap(-1, 8 * words), np.int64)


def board(n, spins=0):
    """Clocks of n processes, words to sleep on, two rows of cells, in memory that forks share."""
    words = shared((n + 4 + 2 * n) * STRIDE)
    clocks, wake, cells = np.split(words, [n * STRIDE, (n + 4) * STRIDE])
    wake[SPINS] = spins
    return clocks, wake, cells.reshape(2, -1)


def run_forked(n, body):
    """Run `body(p)` in n processes; return their results, from 0 to 255."""
    children = []
    for p in range(n):
        child = os.fork()
        if child == 0:
            code = 255
            try:
                code = int(body(p)) & 0xFF
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


@given(st.integers(-(2**61), 2**61), st.integers(-(2**61), 2**61), st.integers(0, 9))
def test_atomics_are_loads_stores_and_additions(value, change, i):
    words = np.zeros(10, np.int64)
    assert store(words, i, value) == value
    assert add(words, i, change) == value
    assert words[i] == value + change
    assert np.count_nonzero(np.delete(words, i)) == 0


def test_the_cycle_counter_advances():
    first, second = two_readings()
    assert second >= first


@compiled
@pytest.mark.parametrize("words", [np.zeros(4, np.int32), np.zeros(4), np.zeros((2, 2), np.int64)])
def test_atomics_refuse_other_arrays(words):
    with pytest.raises(TypingError, match="int64"):
        store(words, 0, 1)


@compiled
def test_atomics_refuse_to_write_read_only_arrays():
    words = np.zeros(4, np.int64)
    words.flags.writeable = False
    with pytest.raises(TypingError, match="writable"):
        add(words, 0, 1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), max_size=30))
def test_a_sleeper_is_rung_exactly_when_the_smallest_counter_grows(steps):
    clocks, wake, _ = board(3)
    wake[SLEEPERS] = 1
    values = [0, 0, 0]
    for p, step in steps:
        smallest, before = min(values), int(wake[WAKES])
        values[p] += step
        publish(clocks, 3, p, values[p], wake)
        assert wake[WAKES] - before == (min(values) > smallest)
        assert clocks[::STRIDE].tolist() == values
        assert await_all(clocks, 3, min(values), wake)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), max_size=30), st.integers(1, 12))
def test_who_waits_alone_is_rung_once_everybody_is_there(steps, target):
    clocks, wake, _ = board(3)
    wake[SLEEPERS], wake[LONE_TARGET] = 1, target
    values = [0, 0, 0]
    for p, step in steps:
        smallest, before = min(values), int(wake[WAKES])
        values[p] += step
        publish(clocks, 3, p, values[p], wake)
        assert wake[WAKES] - before == (min(values) > smallest and min(values) >= target)
    assert await_alone(clocks, 3, min(values), wake)
    assert wake[LONE_TARGET] == min(values)


def test_nobody_is_rung_when_nobody_sleeps():
    clocks, wake, _ = board(1)
    publish(clocks, 1, 0, 1, wake)
    advance(clocks, 2, wake)
    assert wake[WAKES] == 0
    assert await_lease(clocks, 2, wake, wake)


def test_after_an_abort_every_wait_is_false():
    clocks, wake, _ = board(2)
    clocks[0] = 5
    abort(wake)
    assert wake[ABORT] == 1
    assert not await_all(clocks, 1, 5, wake)  # even one that has arrived
    assert not await_all(clocks, 2, 5, wake)
    assert not await_lease(clocks, 6, wake, wake)


def test_a_futex_does_not_sleep_on_another_value_nor_past_its_timeout():
    words = np.full(2, 7, np.int64)
    waiting.futex_wait(words, 1, 6, 10**12)
    waiting.futex_wait(words, 1, 7, 1000)
    waiting.futex_wake(words, 1)
    waiting.yield_cpu()
    assert words.tolist() == [7, 7]


@compiled
@pytest.mark.processes
def test_additions_of_several_processes_all_count():
    words = shared(2 * STRIDE)
    add_often(words, 0)
    assert run_forked(3, lambda p: add_often(words, 20_000) or 0) == [0, 0, 0]
    assert words[STRIDE] == 60_000


@compiled
@pytest.mark.processes
@pytest.mark.parametrize(("n", "spins"), [(2, 2000), (2, 0), (6, 50), (6, 0)])
def test_processes_keep_step_and_see_each_others_writes(n, spins):
    clocks, wake, cells = board(n, spins)
    keep_step(clocks, n, 0, wake, cells, 0)
    late = run_forked(n, lambda p: keep_step(clocks, n, p, wake, cells, 1000))
    assert late == [0] * n
    assert (clocks[::STRIDE] == 1000).all()
    assert wake[SLEEPERS] == 0


@numba.njit(nogil=True)
def watch(clocks, n, wake, steps, every):
    """Wait alone for every so many steps of the others."""
    reached = 0
    for t in range(every, steps + 1, every):
        reached += await_alone(clocks, n, t, wake)
    return reached


@compiled
@pytest.mark.processes
@pytest.mark.parametrize("every", [1, 10, 1000])
def test_one_process_watches_others_that_do_not_wait_for_it(every):
    clocks, wake, _ = board(2)
    wake_watcher = shared(4 * STRIDE)

    @numba.njit(nogil=True)
    def step(clocks, done, p, wake, wake_watcher, steps):
        for t in range(1, steps + 1):
            publish(clocks, 2, p, t, wake)
            if not await_all(clocks, 2, t, wake):
                return -1
            publish(done, 2, p, t, wake_watcher)
        return 0

    done = shared(2 * STRIDE)
    step(clocks, done, 0, wake, wake_watcher, 0)
    watch(done, 2, wake_watcher, 0, every)

    def body(p):
        if p == 2:
            return watch(done, 2, wake_watcher, 1000, every) == 1000 // every
        return step(clocks, done, p, wake, wake_watcher, 1000)

    assert run_forked(3, body) == [0, 0, 1]
    assert wake_watcher[SLEEPERS] == 0


@compiled
@pytest.mark.processes
def test_two_processes_take_turns():
    words, wake, _ = board(2)
    mine, other = words[:STRIDE], words[STRIDE:]
    pass_on(mine, other, wake, 0, 0)
    sides = [(mine, other), (other, mine)]
    assert run_forked(2, lambda p: pass_on(*sides[p], wake, p, 2000)) == [0, 0]


@compiled
@pytest.mark.processes
@pytest.mark.parametrize("spins", [0, 1000])
def test_an_abort_frees_waiting_processes(spins):
    clocks, wake, _ = board(4, spins)
    await_all(clocks, 4, 0, wake)

    def wait_or_abort(p):
        if p < 3:
            publish(clocks, 4, p, 1, wake)
            return await_all(clocks, 4, 1, wake)
        reached = await_all(clocks, 3, 1, wake)  # the others are waiting, or about to
        abort(wake)
        return reached

    assert run_forked(4, wait_or_abort) == [0, 0, 0, 1]
    assert wake[SLEEPERS] == 0


@compiled
def test_compiled_waits_hold_no_addresses_of_this_process():
    clocks, wake, _ = board(1)
    publish(clocks, 1, 0, 1, wake)
    await_all(clocks, 1, 1, wake)
    abort(wake)
    for function in (publish, await_all, abort, waiting.futex_wait, waiting.yield_cpu):
        for overload in function.overloads.values():
            assert not overload.library.has_dynamic_globals

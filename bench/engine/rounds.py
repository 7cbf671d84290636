"""Time of a step of the clock, of a round, of a launch: what synchronisation alone costs.

Rounds are those of a program whose blocks are all but empty: every worker has one id, whose push
notes the cycle counter. The differences of one worker's notes are the times of its rounds.
"""

import contextlib
import mmap
import multiprocessing
import time
from collections.abc import Iterator

import numba
import numpy as np
import psutil

from strads import Engine, Phase, Program, RoundRobin, control, derived, kernel, outbox
from strads.kernels.sync.atomics import cycles, pause
from strads.kernels.sync.clock import SPINS, STRIDE, abort, await_all, publish

#: Rounds at the beginning that do not count: caches and branch predictors are cold.
WARM = 50


@numba.njit(nogil=True)
def keep_step(clocks, n, p, wake, notes):
    """Step once for every entry of the notes, or until aborted, and note the time of each step."""
    for t in range(len(notes)):
        publish(clocks, n, p, t + 1, wake)
        if not await_all(clocks, n, t + 1, wake):
            return
        notes[t] = cycles()


class Stepping(Program):
    """Every id of a worker is a round of its own; `stamp` says when it began."""

    stamp = derived("ids", dtype=np.int64, private=True)
    sent = outbox("block")
    hold = control(0)  # cycles before the first round of worker 0

    @kernel
    def push(block, ids, stamp, sent, hold, worker):
        begin = cycles()
        if worker == 0 and block[0] == ids[0]:
            while cycles() - begin < hold:
                pause()
        for i, j in enumerate(block):
            stamp[j] = cycles()
            sent[i] = 1.0

    @kernel
    def pull(block, sent):
        pass


class Calling(Program):
    """A phase without schedule and next to no work, launched again and again."""

    x = derived("workers_", replicated=True)
    phases = {"call": Phase(push="push")}

    @kernel
    def push(x):
        x[0] = 1.0

    def __init__(self, times: int) -> None:
        super().__init__(workers_=1)
        self.seconds = np.zeros(times)

    def cycle(self) -> Iterator[str]:
        for i in range(len(self.seconds)):
            begin = time.perf_counter()
            yield "call"
            self.seconds[i] = time.perf_counter() - begin


@numba.njit
def now():
    return cycles()


def cycles_a_microsecond() -> float:
    """Rate of the cycle counter."""
    now()
    first, begin = now(), time.perf_counter()
    time.sleep(0.05)
    return (now() - first) / (time.perf_counter() - begin) / 1e6


@contextlib.contextmanager
def at_most_cores(count: int) -> Iterator[None]:
    """Keep this process, and those it starts, on a few cores."""
    process = psutil.Process()
    mine = process.cpu_affinity()
    process.cpu_affinity(mine[:count])
    try:
        yield
    finally:
        process.cpu_affinity(mine)


def steps(n: int, spins: int, count: int) -> np.ndarray:
    """Microseconds of each step of the clock between n processes."""
    words = np.frombuffer(mmap.mmap(-1, 8 * (n + 4) * STRIDE), np.int64)
    clocks, wake = np.split(words, [n * STRIDE])
    wake[SPINS] = spins
    notes = np.zeros(count, np.int64)
    abort(wake)
    keep_step(clocks, n, 0, wake, notes[:1])  # compiled before anybody waits for it
    words[: n * STRIDE] = 0
    wake[: 3 * STRIDE] = 0
    fork = multiprocessing.get_context("fork")
    others = [fork.Process(target=keep_step, args=(clocks, n, p, wake, np.zeros_like(notes)))
              for p in range(1, n)]  # fmt: skip
    for other in others:
        other.start()
    keep_step(clocks, n, 0, wake, notes)
    for other in others:
        other.join()
    return np.diff(notes)[WARM:] / cycles_a_microsecond()


def rounds(
    engine: Engine, count: int, *, filled: bool, repeats: int
) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds of each round, and of waiting for a lease (a mean for each repeat).

    With `filled` the first round lasts until all later ones lie in the ring, so that the
    scheduler sleeps; else it fills them just ahead of the workers.
    """
    rate, workers = cycles_a_microsecond(), engine.workers
    count = -(-count // 16) * 16  # ranges are cut between cache lines

    class Measured(Stepping):
        schedule = RoundRobin("ids", lease=1)
        look_ahead = count if filled else 8

    # Longer than the scheduler takes to fill the ring; with few cores it shares one.
    hold = int(rate * (200.0 * count if filled else 0.0))
    times, starved = [], []
    with engine.iterate(Measured(ids=workers * count, hold=hold), epochs=repeats) as run:
        before = 0.0
        for _ in run:
            stamps = run.program.state["stamp"][:count]
            times.append(np.diff(stamps)[WARM:] / rate)
            waited = run.statistics()["phases"]["main"]["starved_seconds"]
            starved.append((waited - before) / count * 1e6)
            before = waited
    return np.concatenate(times), np.array(starved)


def launches(engine: Engine, count: int) -> np.ndarray:
    """Microseconds from the leader to the workers and back."""
    program = Calling(count)
    engine.run(program, epochs=1)
    return program.seconds[min(WARM, count // 2) :] * 1e6

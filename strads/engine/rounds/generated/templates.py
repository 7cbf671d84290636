"""Texts of which the stages are made, and the words that the stages and the engine share.

Micro-round `u`, counted from the beginning of the launch, is synchronised so, at depth `s`:

    push(u) → publish → await push(u−s) of all workers → pull(u−s) [→ publish → await, if two-sided]

A second wait is needed only if a pull touches sliced entries that other workers read or write in
their next push. Every outbox has ``2s+2`` buffers, because the fastest worker may be that many
micro-rounds ahead of the slowest reader.
"""

from __future__ import annotations

#: Arrays of the engine that a loop may use, in this order, before the program's own arrays.
ENGINE_ARRAYS = (
    "clocks", "wake_workers", "published", "done", "wake_scheduler",
    "ids", "cuts", "change", "gain", "info", "promise", "cursor", "times", "rooms",
)  # fmt: skip

# ``cursor`` says how far one worker has got in its launch; it is kept between calls of the loop.
# Its first words: micro-rounds pushed, micro-rounds pulled, the worker's step clock, and, for error
# messages, the kernel at work: 2 p + 1 is worker p's push, 2 p + 2 its pull, 0 neither yet.
PUSHED, PULLED, CLOCK, AT = range(4)
# Then follow three words for every buffer: the round and the micro-round that were pushed into it,
# and whether that micro-round is the last of its round.
HEAD = 4

# Columns of ``times``, a row for every worker: cycles within the loop, of these the cycles spent
# waiting for other workers and for leases; number of updates.
TOTAL, SYNC, SCHEDULE, UPDATES = range(4)

#: Names of the constants above that stages use.
WORDS = ("PUSHED", "PULLED", "CLOCK", "AT", "HEAD", "TOTAL", "SYNC", "SCHEDULE", "UPDATES")

#: First arguments of the stage of a phase: it works for the workers ``range(first, last, step)``,
#: waits for others if ``sync`` is set, and runs the rounds from ``begin`` to ``end`` - 1.
LIMITS = "first, last, step, sync, begin, end"

LOOP = """
    n_slots, n_workers = ids.shape[0], ids.shape[1]
    started, synced, starved, updates = cycles(), 0, 0, 0
    u, clock = cursor[PUSHED], cursor[CLOCK]
    count = len(range(first, last, step))  # once, since it divides
    for t in range(begin, end):
        slot = t % n_slots
        if sync:
            since = cycles()
            if not await_lease(published, t + 1, wake_workers, wake_scheduler):
                return -1
            starved += cycles() - since
        n_micro = info[slot, N_MICRO]
        for sweep in range(info[slot, SWEEPS]):
{key}
            for m in range(n_micro):
                buffer = u % {buffers}
                for k in range(count):
                    p = first + k * step
                    lo, hi = cuts[slot, p, m], cuts[slot, p, m + 1]
                    {skip}
                    updates += hi - lo
                    cursor[AT] = 2 * p + 1
                    push({push})
{remember}
                u += 1
                clock += 1
                if sync:
                    publish(clocks, n_workers, first, clock, wake_workers)
{after_push}
        if info[slot, LAST]:
            break
{drain}
    cursor[PUSHED], cursor[CLOCK] = u, clock
    w = first
    times[w, TOTAL] += cycles() - started
    times[w, SYNC] += synced
    times[w, SCHEDULE] += starved
    times[w, UPDATES] += updates
    return t + 1
"""

# The random key of a sweep. A phase without schedule makes its epochs as sweeps of one empty lease;
# its `KEY` stays the same, and the keys of its epochs are those that a static schedule would get.
KEY_OF_LEASE = """
key = np.uint64(info[slot, KEY])
if sweep > 0:
    key = fold(key, sweep)
"""
KEY_OF_EPOCH = """
key = np.uint64(fold(np.uint64(info[slot, KEY]), info[slot, EPOCH] + sweep)) >> np.uint64(1)
"""

# Where there is a depth, a micro-round is pulled some micro-rounds after its push.
REMEMBER = """
entry = HEAD + 3 * buffer
cursor[entry], cursor[entry + 1] = t, m
cursor[entry + 2] = sweep == info[slot, SWEEPS] - 1 and m == n_micro - 1
"""

# The pull of the micro-round that this worker has just pushed.
PULL_AT_ONCE = """
if sync:
    since = cycles()
    if not await_all(clocks, n_workers, clock, wake_workers):
        return -1
    synced += cycles() - since
{pull_body}
{second}
cursor[PULLED] = u
if sync and m == n_micro - 1 and sweep == info[slot, SWEEPS] - 1:
    publish(done, n_workers, first, t + 1, wake_scheduler)
"""

# The pull of the oldest micro-round that this worker has pushed but not pulled.
PULL = """
if sync:
    since = cycles()
    if not await_all(clocks, n_workers, cursor[PULLED] + 1, wake_workers):
        return -1
    synced += cycles() - since
{pull_body}
oldest = HEAD + 3 * (cursor[PULLED] % {buffers})
finished = cursor[oldest + 2]
cursor[PULLED] += 1
if sync and finished:
    publish(done, n_workers, first, cursor[oldest] + 1, wake_scheduler)
"""

PULLED_MICRO = """
pull_buffer = cursor[PULLED] % {buffers}
pull_slot = cursor[HEAD + 3 * pull_buffer] % n_slots
pull_micro = cursor[HEAD + 3 * pull_buffer + 1]
"""

PULL_BODY = """
for k in range(count):
    p = first + k * step
    cursor[AT] = 2 * p + 2
    for q in range(n_workers):
        lo, hi = cuts[{slot}, q, {micro}], cuts[{slot}, q, {micro} + 1]
        {skip}
        pull({pull})
"""

SECOND = """
clock += 1
if sync:
    publish(clocks, n_workers, first, clock, wake_workers)
    since = cycles()
    if not await_all(clocks, n_workers, clock, wake_workers):
        return -1
    synced += cycles() - since
"""

# A phase without schedule and without pull: every worker calls its push once, and nobody waits.
PLAIN = """
    started = cycles()
    n_workers = times.shape[0]
    slot = sweep = 0
{key}
    for p in range(first, last, step):
        cursor[AT] = 2 * p + 1
        push({push})
    times[first, TOTAL] += cycles() - started
    return end
"""

# The two halves of a loop, for an executor that exchanges arrays between them: the pushes of one
# micro-round, and the pulls of one, which may be an earlier one. ``slot`` and ``sweep`` say which
# random key holds.
PUSH_FIRST = "first, last, step, slot, sweep, m, buffer"
PULL_FIRST = "first, last, step, slot, sweep, pull_slot, pull_micro, pull_buffer"

PUSH_HALF = """
    started = cycles()
    n_workers = ids.shape[1]
{key}
    for p in range(first, last, step):
        lo, hi = cuts[slot, p, m], cuts[slot, p, m + 1]
        {skip}
        times[p, UPDATES] += hi - lo
        cursor[AT] = 2 * p + 1
        push({push})
    times[first, TOTAL] += cycles() - started
"""

PULL_HALF = """
    started = cycles()
    n_workers = ids.shape[1]
{key}
    for p in range(first, last, step):
        cursor[AT] = 2 * p + 2
        for q in range(n_workers):
            lo, hi = cuts[pull_slot, q, pull_micro], cuts[pull_slot, q, pull_micro + 1]
            {skip}
            pull({pull})
    times[first, TOTAL] += cycles() - started
"""

MEASURE = """
def {name}(first, last, step, parts, rooms, {arguments}):
    n_workers = parts.shape[0]
    for p in range(first, last, step):
        {call}
"""

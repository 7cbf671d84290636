"""Run a policy without processes, to look at what it dispatches."""

import numpy as np

from strads.engine import World
from strads.engine.partition import Partition
from strads.engine.program.phase import Phase
from strads.engine.rounds.ring import Ring
from strads.engine.rounds.rounds import Rounds
from strads.engine.schedules.lease import N_MICRO, allocate_lease


def make_world(size, workers, *, costs=None, **options):
    partition = Partition.contiguous(size, workers)
    return World(partition=partition, workers=workers, costs=costs, **options)


def start(schedule, world):
    """Return a policy and a function that makes leases for it."""
    policy = schedule.start(world)
    shape = (world.workers, schedule.capacity(world), schedule.micro_max(world))
    return policy, lambda: allocate_lease(*shape)


def micro_rounds(lease):
    """Return one list of blocks per micro-round, with one block per worker."""
    return [
        [ids[a:b].copy() for ids, (a, b) in zip(lease.ids, lease.cuts[:, m : m + 2], strict=True)]
        for m in range(int(lease.info[N_MICRO]))
    ]


def blocks_of(lease):
    """Return a copy of every worker's block."""
    return [lease.block(p).copy() for p in range(len(lease.ids))]


def flat(blocks):
    """Return all ids of a round."""
    return np.concatenate([np.empty(0, np.int64), *blocks])


def dispatch(policy, make, rounds, *, change=None, look_ahead=0):
    """Fill and observe leases, the feedback `look_ahead` rounds behind; return the leases.

    `change` maps a lease's ids to their feedback; ones by default.
    """
    leases = []
    for t in range(rounds + look_ahead):
        if t < rounds:
            lease = make()
            policy.fill(lease)
            lease.change[...] = 1.0 if change is None else change(lease.ids)
            leases.append(lease)
        if t >= look_ahead:
            policy.observe(leases[t - look_ahead])
    return leases


def same(first, second):
    """Fail unless two lists of leases dispatch the same."""
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.cuts, other.cuts)
        np.testing.assert_array_equal(one.info, other.info)
        for a, b in zip(blocks_of(one), blocks_of(other), strict=True):
            np.testing.assert_array_equal(a, b)


def driver(schedule, world, *, record=True):
    """Return the rounds of a phase as in a run, with a ring of their own."""
    slots = world.look_ahead + 2
    sizes = schedule.capacity(world), schedule.micro_max(world)
    shapes = Ring.shapes(slots, world.workers, *sizes)
    ring = Ring(*(np.zeros(*shapes[word]) for word in Ring.NAMES if word in shapes))
    phase = Phase(look_ahead=world.look_ahead, depth=world.depth, name="main")
    rounds = Rounds(schedule, world, ring, phase, world.seed, 0)
    rounds.log = [] if record else None
    return rounds


def launch(rounds, epochs, change=None):
    """Launch a phase without workers; return its records. Every change is 1 by default."""

    def dispatched(t):
        lease = rounds._slot(t)
        lease.change[...] = 1.0 if change is None else change(lease.ids)

    rounds.launch(epochs, lambda finished: None, dispatched)
    return rounds.recorded()


def ids_of(record):
    """Return all ids of a record."""
    ends = record.cuts[:, -1]
    return np.concatenate([ids[:n] for ids, n in zip(record.ids, ends, strict=True)])

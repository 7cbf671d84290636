"""Run a policy without processes, and look at what it dispatches."""

import numpy as np

from strads.engine.partition import Partition
from strads.engine.schedules import World
from strads.engine.schedules.lease import N_MICRO, allocate_lease, unpack


def make_world(size, workers, *, costs=None, **options):
    partition = Partition.contiguous(size, workers)
    return World(partition=partition, workers=workers, costs=costs, **options)


def start(schedule, world):
    """Return a policy and a function that makes leases for it."""
    policy = schedule.start(world)
    shape = (world.workers, schedule.capacity(world), schedule.micro_max(world))
    return policy, lambda: allocate_lease(*shape)


def micro_rounds(lease):
    """One list of blocks, one block a worker, for every micro-round."""
    return [
        [ids[a:b].copy() for ids, (a, b) in zip(lease.ids, lease.cuts[:, m : m + 2], strict=True)]
        for m in range(int(lease.info[N_MICRO]))
    ]


def flat(blocks):
    """All ids of a round."""
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
        for a, b in zip(unpack(one), unpack(other), strict=True):
            np.testing.assert_array_equal(a, b)

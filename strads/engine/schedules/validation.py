"""Check the ids that a policy gets from a program, and those that it hands out.

Kernels index arrays with the ids that a policy hands out and do not check them: an id beyond the
axis corrupts memory, and an id that another worker holds is a race. Policies of this package are
tested and trusted. What other policies hand out is checked here in every round, in time
proportional to the number of ids.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.engine.schedules.base import Policy, World
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, Lease, demand_row


def is_trusted(policy: Policy) -> bool:
    """Whether a policy's rounds need no check: this package has chosen their ids."""
    return type(policy).__module__.startswith("strads.") and not policy.relays


def demand_valid(lease: Lease, policy: Policy, world: World, culprit: str) -> None:
    """Refuse a round that kernels cannot run safely, and write the number of its ids into it.

    Every id must be on the axis, active, and held by the worker that gets it; a policy that
    declares ``moves_holders`` may give it to any worker, but to one only. A worker may get an id
    several times in one round, but several times in one micro-round only if its pushes see their
    own updates.

    Parameters
    ----------
    lease : Lease
        Filled by the policy; this function sets ``info[COUNT]``.
    policy : Policy
    world : World
        World in which the policy was started.
    culprit : str
        Name of the schedule and the phase, for error messages.

    Raises
    ------
    ProgramError
        Naming the worker and the id.
    """
    _demand_cuts(lease, culprit)
    micro = int(lease.info[N_MICRO])
    blocks = [lease.block(p) for p in range(len(lease.ids))]
    lease.info[COUNT] = sum(map(len, blocks))
    for p, block in enumerate(blocks):
        if len(block):
            blame = f"{culprit} handed worker {p}"
            _demand_places(block, policy, world.partition, p, blame)
            _demand_active(block, policy, blame)
            if not world.sequential:
                _demand_once(block, lease.cuts[p, : micro + 1], blame)
    if policy.moves_holders:
        _demand_one_worker(blocks, culprit)


def demand_spans(lease: Lease) -> None:
    """Refuse a round with a micro-round whose ids are not in a row, for kernels that take spans."""
    for p in range(len(lease.ids)):
        for m in range(int(lease.info[N_MICRO])):
            demand_row(lease.micro_round(p, m), p)


def _demand_cuts(lease: Lease, culprit: str) -> None:
    """Demand that ``info`` and ``cuts`` of a lease stay within its arrays."""
    most, capacity = lease.cuts.shape[1] - 1, lease.ids.shape[1]
    micro, sweeps = int(lease.info[N_MICRO]), int(lease.info[SWEEPS])
    if not 1 <= micro <= most:
        raise ProgramError(
            f"{culprit} filled a round of {micro} micro-rounds (info[N_MICRO]); there must be at "
            f"least one, and at most {most}: see Schedule.micro_max"
        )
    if sweeps < 1:
        raise ProgramError(
            f"{culprit} filled a round of {sweeps} sweeps (info[SWEEPS]); there must be at least 1"
        )
    for p, cuts in enumerate(lease.cuts[:, : micro + 1]):
        if cuts[0] < 0 or cuts[-1] > capacity or np.any(np.diff(cuts) < 0):
            raise ProgramError(
                f"{culprit} cut the block of worker {p} at {cuts.tolist()}; cuts must not "
                f"decrease, and lie from 0 to {capacity}, the capacity of a lease: see "
                "Schedule.capacity"
            )


def _demand_places(
    block: np.ndarray, policy: Policy, partition: Partition, worker: int, blame: str
) -> None:
    """Demand that ids are on the axis and that this worker may get them."""
    lo, hi = (0, partition.size) if policy.moves_holders else partition.range(worker)
    wrong = block[(block < lo) | (block >= hi)]
    if not len(wrong):
        return
    outside = wrong[(wrong < 0) | (wrong >= partition.size)]
    if len(outside):
        raise ProgramError(
            f"{blame} id {outside[0]}, which is not on the axis: its ids are 0 to "
            f"{partition.size - 1}"
        )
    raise ProgramError(
        f"{blame} id {wrong[0]}, which worker {partition.holder(wrong[0])} holds; hand out ids of "
        "self.mine(worker), or declare moves_holders = True on the policy if the program's "
        "kernels let ids change their worker between rounds"
    )


def _demand_active(block: np.ndarray, policy: Policy, blame: str) -> None:
    """Demand that ids are active."""
    active = policy.active
    if active is None:
        return
    at = np.minimum(np.searchsorted(active, block), max(len(active) - 1, 0))
    idle = block[active[at] != block] if len(active) else block
    if len(idle):
        raise ProgramError(
            f"{blame} id {idle[0]}, which is not active; hand out ids of self.mine(worker)"
        )


def _demand_once(block: np.ndarray, cuts: np.ndarray, blame: str) -> None:
    """Demand that no id occurs twice in a micro-round."""
    micro_round = np.repeat(np.arange(len(cuts) - 1), np.diff(cuts))
    order = np.lexsort((block, micro_round))
    ids, rounds = block[order], micro_round[order]
    twice = np.flatnonzero((ids[1:] == ids[:-1]) & (rounds[1:] == rounds[:-1]))
    if len(twice):
        raise ProgramError(
            f"{blame} id {ids[twice[0]]} twice in one micro-round; a push does not see its own "
            "earlier updates, unless its phase is declared sequential=True"
        )


def _demand_one_worker(blocks: Sequence[np.ndarray], culprit: str) -> None:
    """Demand that no two workers get the same id in a round."""
    ids = np.concatenate(blocks)
    workers = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    order = np.argsort(ids, kind="stable")
    ids, workers = ids[order], workers[order]
    both = np.flatnonzero((ids[1:] == ids[:-1]) & (workers[1:] != workers[:-1]))
    if len(both):
        first = both[0]
        raise ProgramError(
            f"{culprit} handed id {ids[first]} to workers {workers[first]} and "
            f"{workers[first + 1]} in one round; an id has one holder in a round"
        )

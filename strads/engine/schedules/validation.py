"""What a policy is told and what it hands out, looked at in one place.

Kernels index arrays with the ids that a policy hands out, and do not look: an id beyond the axis
corrupts memory, one that another worker holds is a race. Policies of this package are trusted, and
tested; what others hand out is checked here, round by round, at the cost of the round's ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, Lease

if TYPE_CHECKING:
    from strads.engine.schedules.base import Policy, World


def whole_ids(ids: Any, size: int, source: str) -> np.ndarray:
    """Return ids, or those that a boolean mask of the axis selects, as an array of int64.

    Parameters
    ----------
    ids : array-like of int, or of bool with one entry an id of the axis
    size : int
        Ids of the axis.
    source : str
        Begins the message of an error.

    Raises
    ------
    ProgramError
        If an id is not on the axis, or is no whole number.
    """
    given = np.asarray(ids).ravel()
    if given.dtype == bool:
        if len(given) != size:
            raise ProgramError(
                f"{source}: a mask must have one entry for each of the {size} ids of the axis, "
                f"not {len(given)}"
            )
        return np.flatnonzero(given)
    if not len(given):
        return np.empty(0, np.int64)
    if given.dtype.kind not in "iu":
        raise ProgramError(
            f"{source}: ids must be whole numbers, or a mask with one bool for each id; these are "
            f"of type {given.dtype}"
        )
    outside = given[(given < 0) | (given >= size)]
    if len(outside):
        raise ProgramError(
            f"{source}: {_listed(outside)} not on the axis, whose ids are 0 to {size - 1}"
        )
    return given.astype(np.int64, copy=False)


def is_trusted(policy: Policy) -> bool:
    """Whether a policy's rounds need no check: it is of this package, and so are its ids."""
    return type(policy).__module__.startswith("strads.") and not policy.relays


def demand_valid(lease: Lease, policy: Policy, world: World, culprit: str) -> None:
    """Refuse a round that kernels could not run safely; count its ids.

    Every id must be on the axis, active, and held by the worker that gets it; a policy that
    declares ``moves_holders`` may give it to any one worker. A worker may visit an id several
    times in a round, but within one micro-round only if its pushes see their own updates.

    Parameters
    ----------
    lease : Lease
        As the policy has filled it; its count is set here.
    policy : Policy
    world : World
        That the policy was started in.
    culprit : str
        Names schedule and phase.

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


def _demand_cuts(lease: Lease, culprit: str) -> None:
    """Demand that the words and cuts of a lease lie within its arrays."""
    most, capacity = lease.cuts.shape[1] - 1, lease.ids.shape[1]
    micro, sweeps = int(lease.info[N_MICRO]), int(lease.info[SWEEPS])
    if not 1 <= micro <= most:
        raise ProgramError(
            f"{culprit} filled a round of {micro} micro-rounds (info[N_MICRO]); there must be at "
            f"least one, and there is room for {most}: see Schedule.micro_max"
        )
    if sweeps < 1:
        raise ProgramError(
            f"{culprit} filled a round of {sweeps} sweeps (info[SWEEPS]); there must be at least 1"
        )
    for p, cuts in enumerate(lease.cuts[:, : micro + 1]):
        if cuts[0] < 0 or cuts[-1] > capacity or np.any(np.diff(cuts) < 0):
            raise ProgramError(
                f"{culprit} cut the block of worker {p} at {cuts.tolist()}; cuts must not fall, "
                f"and lie from 0 to {capacity}, the room of a lease: see Schedule.capacity"
            )


def _demand_places(
    block: np.ndarray, policy: Policy, partition: Partition, worker: int, blame: str
) -> None:
    """Demand ids of the axis that may be at this worker."""
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
    """Demand ids that the policy was not told to leave alone."""
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
    """Demand that no id stands twice in a micro-round."""
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
    """Demand that no id is at two workers in a round."""
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


def _listed(ids: np.ndarray) -> str:
    """Name some ids, as the subject of a sentence."""
    first = ", ".join(map(str, ids[:5]))
    rest = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"id {first} is" if len(ids) == 1 else f"ids {first}{rest} are"

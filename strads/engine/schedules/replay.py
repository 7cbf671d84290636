"""Replay: hand out the rounds of an earlier run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import COUNT, EPOCH, N_MICRO, SWEEPS, Lease


@dataclass(frozen=True)
class Record:
    """One recorded round.

    Attributes
    ----------
    ids : ndarray of shape (workers, most)
    cuts : ndarray of shape (workers, micro-rounds + 1)
        As in a :class:`Lease`.
    sweeps : int
    epoch : int
        Epoch in which the round was handed out.
    static : bool
        Whether the policy was static, so that random keys depended on the epoch.
    moves_holders : bool
        Whether the policy could give ids to workers that do not hold them by the partition.
    """

    ids: np.ndarray
    cuts: np.ndarray
    sweeps: int
    epoch: int = 0
    static: bool = False
    moves_holders: bool = False

    @staticmethod
    def of(lease: Lease, policy: Policy | None = None) -> Record:
        """Record a lease and the properties of the policy that filled it."""
        cuts = lease.cuts[:, : lease.info[N_MICRO] + 1].copy()
        ids, sweeps = np.zeros((len(cuts), cuts.max()), np.int64), int(lease.info[SWEEPS])
        for p, row in enumerate(ids):
            row[cuts[p, 0] : cuts[p, -1]] = lease.block(p)
        if policy is None:
            return Record(ids, cuts, sweeps)
        epoch = int(lease.info[EPOCH])
        return Record(ids, cuts, sweeps, epoch, policy.static, policy.moves_holders)

    def write(self, lease: Lease) -> None:
        """Write this round into a lease."""
        lease.ids[:, : self.ids.shape[1]] = self.ids
        lease.cuts[:, : self.cuts.shape[1]] = self.cuts
        lease.change[:, : self.ids.shape[1]] = 0.0
        lease.info[N_MICRO] = self.cuts.shape[1] - 1
        lease.info[SWEEPS] = self.sweeps
        lease.info[COUNT] = int((self.cuts[:, -1] - self.cuts[:, 0]).sum())


@dataclass(frozen=True)
class Replay(Schedule):
    """Hand out recorded rounds in order, whatever the feedback.

    Parameters
    ----------
    axis : str
    log : sequence of Record
        Rounds of a :class:`~strads.Recorder`, from a run with the same number of workers.
    """

    log: Sequence[Record] = ()

    def capacity(self, world: World) -> int:
        """Number of ids of the largest recorded block."""
        return max((record.ids.shape[1] for record in self.log), default=1)

    def micro_max(self, world: World) -> int:
        """Largest number of micro-rounds of a recorded round."""
        return max((record.cuts.shape[1] - 1 for record in self.log), default=1)

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Replay(world, self.log)


class _Replay(Policy):
    relays = True

    def __init__(self, world: World, log: Sequence[Record]) -> None:
        super().__init__(world)
        for record in log:
            if len(record.ids) != world.workers:
                raise ProgramError(
                    f"the log is of {len(record.ids)} workers, the run has {world.workers}"
                )
        self.log, self.position = log, 0
        self.lengths = Counter(record.epoch for record in log)

    def _follow(self, record: Record) -> None:
        self.static, self.moves_holders = record.static, record.moves_holders

    def fill(self, lease: Lease) -> None:
        if self.position >= len(self.log):
            raise ProgramError(f"the log ends after {len(self.log)} rounds; run fewer epochs")
        record = self.log[self.position]
        self._follow(record)
        record.write(lease)
        self.position += 1

    def epoch_rounds(self) -> int:
        return self.lengths[self.log[max(self.position - 1, 0)].epoch]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "position": self.position}

    def restore(self, state: Any) -> None:
        super().restore(state)
        self.position = state["position"]

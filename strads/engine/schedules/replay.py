"""Replay: dispatch a recorded log of rounds again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, Lease


@dataclass(frozen=True)
class Record:
    """One recorded round: its blocks, the cuts into micro-rounds, and the sweeps."""

    ids: np.ndarray
    cuts: np.ndarray
    sweeps: int

    @staticmethod
    def of(lease: Lease) -> Record:
        """Copy a lease."""
        cuts = lease.cuts[:, : lease.info[N_MICRO] + 1].copy()
        return Record(lease.ids[:, : cuts.max()].copy(), cuts, int(lease.info[SWEEPS]))

    def write(self, lease: Lease) -> None:
        """Fill a lease with this round."""
        lease.ids[:, : self.ids.shape[1]] = self.ids
        lease.cuts[:, : self.cuts.shape[1]] = self.cuts
        lease.change[...] = 0.0
        lease.info[N_MICRO] = self.cuts.shape[1] - 1
        lease.info[SWEEPS] = self.sweeps
        lease.info[COUNT] = int((self.cuts[:, -1] - self.cuts[:, 0]).sum())


@dataclass(frozen=True)
class Replay(Schedule):
    """Dispatch recorded rounds in order, whatever the feedback.

    Parameters
    ----------
    axis : str
    log : sequence of Record
    """

    log: Sequence[Record] = ()

    def capacity(self, world: World) -> int:
        """Room for the largest recorded block."""
        return max((record.ids.shape[1] for record in self.log), default=1)

    def micro_max(self, world: World) -> int:
        """Most micro-rounds of a recorded round."""
        return max((record.cuts.shape[1] - 1 for record in self.log), default=1)

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Replay(world, self.log)


class _Replay(Policy):
    def __init__(self, world: World, log: Sequence[Record]) -> None:
        super().__init__(world)
        self.log, self.position = log, 0

    def fill(self, lease: Lease) -> None:
        if self.position >= len(self.log):
            raise ProgramError(f"the log ends after {len(self.log)} rounds; run fewer epochs")
        self.log[self.position].write(lease)
        self.position += 1

    def state(self) -> dict[str, Any]:
        return {**super().state(), "position": self.position}

    def restore(self, state: Any) -> None:
        super().restore(state)
        self.position = state["position"]

"""The leader runs a program whose processes have died and cannot be replaced."""

from __future__ import annotations

from typing import Any

from strads.engine.processes.executor import Processes
from strads.engine.rounds.serial import Serial

#: What both executors share of a run.
_SHARED = (
    "program", "workers", "seed", "store", "compilation", "bound", "compiled", "schedules",
    "accounts", "grown", "epochs", "prepare_s", "policy_kernels", "made", "stages", "growth",
    "align", "_sums", "_known_costs", "told", "fingerprints",
)  # fmt: skip


class Inherited(Serial):
    """Serial executor on the arrays of a process executor, with the same logical workers.

    Parameters
    ----------
    former : Processes
        Its processes are ended; its memory stays until this executor is closed.
    """

    def __init__(self, former: Processes) -> None:
        super().__init__(former.program, former.workers, former.seed)
        for name in _SHARED:
            setattr(self, name, getattr(former, name))
        self.former = former
        self.starts = former.starts + former.mortality.count + 1
        former.team.broken = True  # it can only be closed
        former.team.nursery.close(at_once=True)
        self._ready()
        for phase, message, content in self.all_told():
            self._tell(phase, message, content)
        if former.recording:
            self.record()
        self.program._tell, self.program._grow = self.tell, self.grow

    def deaths(self) -> list[dict[str, Any]]:
        """Describe the deaths that this run has survived."""
        return self.former.deaths()

    def close(self) -> None:
        """Drop all views of the arrays, and give back the memory of the former executor."""
        self.rounds.clear()
        self._args.clear()
        self.former.close()

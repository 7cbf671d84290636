"""Drive a policy: fill leases ahead of the workers, feed finished rounds back.

The same driver runs inline (serial executor) and in the scheduler process, so both see the same
events at the same times: when round t is filled, exactly the rounds ≤ t−1−L of the launch have
been observed. The end of a launch drains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.failures import blamed
from strads.engine.program import Phase
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import COUNT, EPOCH, KEY, LAST, N_MICRO, ROUND, SWEEPS, Lease
from strads.engine.schedules.replay import Record
from strads.engine.staleness import Staleness
from strads.kernels.random import derive

#: Of the keys of rounds, folded into the seed before the number of the phase.
ROUNDS = 0x57AD5


class Ring:
    """Slots for the leases of one phase, in memory that scheduler and workers share.

    Parameters
    ----------
    ids, change : ndarray of shape (slots, workers, capacity)
    cuts : ndarray of shape (slots, workers, micro + 1)
    info : ndarray of shape (slots, 8)
    """

    NAMES = (".ids", ".cuts", ".change", ".info")

    def __init__(
        self, ids: np.ndarray, cuts: np.ndarray, change: np.ndarray, info: np.ndarray
    ) -> None:
        self.slots = [
            Lease(ids=ids[s], change=change[s], cuts=cuts[s], info=info[s])
            for s in range(ids.shape[0])
        ]

    @staticmethod
    def shapes(
        slots: int, workers: int, capacity: int, micro: int
    ) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Shapes and types of a ring's arrays by name; rows padded to cache lines."""
        room = max(16, -(-capacity // 16) * 16)
        return {
            ".ids": ((slots, workers, room), np.int64),
            ".cuts": ((slots, workers, micro + 1), np.int64),
            ".change": ((slots, workers, room), np.float64),
            ".info": ((slots, 8), np.int64),
        }


class Rounds:
    """The rounds of one phase.

    Parameters
    ----------
    schedule : Schedule
    world : World
        What its policy is started with.
    ring : Ring
    phase : Phase
    seed : int
    number : int
        Position of the phase in the program; part of every key.
    """

    def __init__(
        self, schedule: Schedule, world: World, ring: Ring, phase: Phase, seed: int, number: int
    ) -> None:
        self.name = phase.name
        self.policy: Any = None
        self.past: Counter[str] = Counter()  # counts of the schedule's policies that are gone
        self.culprit = ""
        self.begin(schedule, world)
        self.ring = ring
        self.look_ahead = max(phase.look_ahead, phase.depth)
        self.key = derive(seed, ROUNDS, number)
        self.epoch = 0  # finished epochs of this phase
        self.round = 0  # rounds filled since the run began
        self.single = 0  # rounds in which one worker alone had ids
        self.blocks = 0  # that were not empty
        self.dispatched = 0  # ids
        self.staleness = Staleness(phase.depth, self.look_ahead)
        self.log: list[Record] | None = None  # set to [] to record every round

    def begin(self, schedule: Schedule, world: World, *, anew: bool = False) -> None:
        """Start a schedule, in place of another or ``anew`` on an axis that has grown."""
        if anew:
            with blamed(self.culprit):
                self.past = self._counted(self.policy.statistics())
        else:
            self.past = Counter()
        self.culprit = culprit(schedule, self.name)
        with blamed(self.culprit):
            self.policy = schedule.start(world)
        if not isinstance(self.policy, Policy):
            raise ProgramError(
                f"{self.culprit}: start(world) returned {self.policy!r:.60}, which is no Policy"
            )

    def _counted(self, counts: Mapping[str, Any]) -> Counter[str]:
        """What this policy and those that are gone have counted, all of them together."""
        return self.past + Counter({n: c for n, c in counts.items() if n not in self.policy.levels})

    def tell(self, message: str, content: Sequence[Any]) -> None:
        """Call a method of the policy: one that takes messages, not one that the engine calls."""
        heard = sorted(
            name
            for name in dir(type(self.policy))
            if name[0] != "_" and name not in _ENGINES and callable(getattr(self.policy, name))
        )
        if message not in heard:
            raise ProgramError(
                f"{self.culprit} has no message {message!r}; it understands {', '.join(heard)}"
            )
        with blamed(self.culprit):
            getattr(self.policy, message)(*content)

    def launch(
        self,
        epochs: int,
        await_done: Callable[[int], None],
        dispatched: Callable[[int], None],
    ) -> int:
        """Run `epochs` epochs; return the number of rounds.

        Parameters
        ----------
        epochs : int
        await_done : callable
            ``await_done(k)`` returns once the first k rounds are finished.
        dispatched : callable
            ``dispatched(t)`` hands round t, now in its slot, to the workers.
            Both raise nothing but errors of this package, or no ``Exception`` at all.

        Raises
        ------
        KernelError
            If the schedule raises.
        """
        with blamed(self.culprit):  # around all rounds: a single one is too short for it
            return self._launch(epochs, await_done, dispatched)

    def _launch(
        self,
        epochs: int,
        await_done: Callable[[int], None],
        dispatched: Callable[[int], None],
    ) -> int:
        t = observed = done = visited = 0
        last = False
        self.staleness.begin()
        while not last:
            if t > self.look_ahead:
                await_done(t - self.look_ahead)
                self.policy.observe(self._slot(observed))
                observed += 1
            last, done, visited = self._fill(t, epochs, done, visited)
            self._count(self._slot(t), t - observed)
            dispatched(t)
            t += 1
        await_done(t)
        for rest in range(observed, t):
            self.policy.observe(self._slot(rest))
        return t

    def _slot(self, t: int) -> Lease:
        return self.ring.slots[t % len(self.ring.slots)]

    def _fill(self, t: int, epochs: int, done: int, visited: int) -> tuple[bool, int, int]:
        """Fill round t; return (last, epochs done, progress in the current epoch)."""
        lease = self._slot(t)
        info = lease.info
        info[:] = 0
        info[SWEEPS] = 1
        self.policy.fill(lease)
        info[ROUND], info[EPOCH] = self.round, self.epoch
        counter = self.epoch if self.policy.static else self.round
        info[KEY] = derive(self.key, counter)
        self.round += 1
        visited += 1 if self.policy.static else int(info[COUNT])
        goal = self.policy.epoch_rounds() if self.policy.static else self.policy.n_active
        # A dynamic policy that has nothing left to hand out ends its epoch, too.
        if visited >= goal or (not self.policy.static and info[COUNT] == 0):
            self.epoch += 1
            done, visited = done + 1, 0
        last = done >= epochs
        info[LAST] = last
        if self.log is not None:
            self.log.append(Record.of(lease))
        return last, done, visited

    def _count(self, lease: Lease, unseen: int) -> None:
        info = lease.info
        used = lease.cuts[:, info[N_MICRO]] - lease.cuts[:, 0]
        blocks = int(np.count_nonzero(used))
        self.single += len(used) > 1 and blocks == 1
        self.blocks += blocks
        self.dispatched += int(info[COUNT])
        self.staleness.add(int(info[N_MICRO] * info[SWEEPS]), unseen)

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs."""
        with blamed(self.culprit):
            policy = self.policy.state()
        counts = {name: getattr(self, name) for name in _COUNTS}
        past = dict(self.past)
        return {"policy": policy, "past": past, **counts, "staleness": self.staleness.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        with blamed(self.culprit):
            self.policy.restore(state["policy"])
        self.past = Counter(state["past"])
        vars(self).update({name: state[name] for name in _COUNTS})
        self.staleness.restore(state["staleness"])

    def statistics(self) -> dict[str, Any]:
        """Rounds, how old what they saw was, and what the policy counts."""
        with blamed(self.culprit):
            own = self.policy.statistics()
            counted = {**own, **self._counted(own)}
        return {
            "rounds": self.round,
            "epochs": self.epoch,
            "rounds_on_one_worker": self.single,
            "blocks": self.blocks,
            **counted,
            "dispatched": self.dispatched,
            "staleness": self.staleness.statistics(),
        }


#: Methods of a policy that are the engine's to call.
_ENGINES = frozenset(
    {name for name, value in vars(Policy).items() if callable(value)}
    | {"plan"}
) - {"activate", "restrain"}  # fmt: skip
_COUNTS = ("epoch", "round", "single", "blocks", "dispatched")


def culprit(schedule: Schedule, phase: str) -> str:
    """Name a schedule as an error does."""
    return f"schedule {type(schedule).__name__} of phase {phase!r}"

"""Drive a policy: fill leases ahead of the workers, feed finished rounds back.

The same driver runs inline (serial executor) and in the scheduler process, so both see the same
events at the same times: when round t is filled, exactly the rounds ≤ t−1−L of the launch have
been observed. The end of a launch drains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.failures import blamed
from strads.engine.program.phase import Phase
from strads.engine.rounds.launch import IDLE, Launch
from strads.engine.rounds.staleness import Staleness
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import COUNT, EPOCH, KEY, LAST, N_MICRO, ROUND, SWEEPS, Lease
from strads.engine.schedules.replay import Record
from strads.engine.schedules.validation import demand_valid, is_trusted
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
        self.empty = 0  # rounds in which nobody had any
        self.exhausted = 0  # launches that ended early, since the policy had nothing left
        self.blocks = 0  # that were not empty
        self.dispatched = 0  # ids
        self.staleness = Staleness(phase.depth, self.look_ahead)
        self.log: list[Record] | None = None  # a list, if every round is recorded

    def begin(self, schedule: Schedule, world: World, *, anew: bool = False) -> None:
        """Start a schedule, in place of another or ``anew`` on an axis that has grown."""
        if anew:
            with blamed(self.culprit):
                self.past = self._counted(self.policy.statistics())
        else:
            self.past = Counter()
        self.culprit = culprit(schedule, self.name)
        self.world = world
        with blamed(self.culprit):
            self.policy = schedule.start(world)
        if not isinstance(self.policy, Policy):
            raise ProgramError(
                f"{self.culprit}: start(world) returned {self.policy!r:.60}, which is no Policy"
            )
        self.trusted = is_trusted(self.policy)

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
        with blamed(self.culprit), _named(self.culprit):
            getattr(self.policy, message)(*content)

    def launch(
        self,
        epochs: int,
        await_done: Callable[[int], None],
        dispatched: Callable[[int], None],
    ) -> int:
        """Run `epochs` epochs; return the number of rounds.

        Fewer, if the policy hands out nothing any more: an empty round is no epoch. It is none
        either while everything is in flight, which only means that the policy waits for feedback.

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
        ProgramError
            If it hands out what kernels could not run safely, or never anything.
        """
        with blamed(self.culprit):  # around all rounds: a single one is too short for it
            return self._launch(epochs, await_done, dispatched)

    def _launch(
        self,
        epochs: int,
        await_done: Callable[[int], None],
        dispatched: Callable[[int], None],
    ) -> int:
        t = observed = 0
        launch = Launch(epochs)
        self.staleness.begin()
        while not launch.over:
            if t > self.look_ahead:
                await_done(t - self.look_ahead)
                launch.take_in(int(self._slot(observed).info[COUNT]))
                self.policy.observe(self._slot(observed))
                observed += 1
            self._fill(t, launch)
            self._count(self._slot(t), t - observed)
            dispatched(t)
            t += 1
        await_done(t)
        for rest in range(observed, t):
            self.policy.observe(self._slot(rest))
        return t

    def _slot(self, t: int) -> Lease:
        return self.ring.slots[t % len(self.ring.slots)]

    def _fill(self, t: int, launch: Launch) -> None:
        """Fill round t, and say whether it is the last one."""
        lease = self._slot(t)
        info = lease.info
        info[:] = 0
        info[SWEEPS] = 1
        self._handed_out(lease)
        info[ROUND], info[EPOCH] = self.round, self.epoch
        counter = self.epoch if self.policy.static else self.round
        info[KEY] = derive(self.key, counter)
        self.round += 1
        self.epoch += launch.hand_out(self.policy, int(info[COUNT]))
        if launch.exhausted:
            self._exhaust()
        info[LAST] = launch.over
        if self.log is not None:
            self.log.append(Record.of(lease, self.policy))

    def _handed_out(self, lease: Lease) -> None:
        """Let the policy fill a lease; look at what it wrote, unless it is one of the package."""
        if self.trusted:
            self.policy.fill(lease)
            return
        with _named(self.culprit):
            self.policy.fill(lease)
        demand_valid(lease, self.policy, self.world, self.culprit)

    def _exhaust(self) -> None:
        """Note that the policy has nothing to hand out; one that never had is mistaken."""
        if self.dispatched == 0:
            raise ProgramError(
                f"{self.culprit} handed out no id in {IDLE} rounds, although "
                f"{self.policy.n_active} are active; its dispatch() or fill() must, or "
                "activate([]) say that nothing is to be done"
            )
        self.exhausted += 1

    def _count(self, lease: Lease, unseen: int) -> None:
        info = lease.info
        used = lease.cuts[:, info[N_MICRO]] - lease.cuts[:, 0]
        blocks = int(np.count_nonzero(used))
        self.single += len(used) > 1 and blocks == 1
        self.empty += blocks == 0
        self.blocks += blocks
        self.dispatched += int(info[COUNT])
        self.staleness.add(int(info[N_MICRO] * info[SWEEPS]), unseen)

    def recorded(self) -> list[Record]:
        """Return the rounds recorded since the last call."""
        found, self.log = self.log or [], None if self.log is None else []
        return found

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
            "empty_rounds": self.empty,
            "exhausted": self.exhausted,
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
_COUNTS = ("epoch", "round", "single", "empty", "exhausted", "blocks", "dispatched")


@contextmanager
def _named(culprit: str) -> Iterator[None]:
    """Have the schedule's name in front of what is wrong with the ids it is told or hands out."""
    try:
        yield
    except ProgramError as error:
        raise ProgramError(f"{culprit}: {error}") from error


def culprit(schedule: Schedule, phase: str) -> str:
    """Name a schedule as an error does."""
    return f"schedule {type(schedule).__name__} of phase {phase!r}"

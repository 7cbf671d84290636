"""Drive a policy: have it fill leases ahead of the workers, and give it the feedback of rounds.

The same code runs in the leader (serial executor) and in the scheduler process, so a policy sees
the same events in the same order in both: with a look-ahead of L, exactly the rounds up to t−1−L
of the launch have been observed when round t is filled. At the end of a launch the policy observes
all of its rounds.
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
from strads.engine.rounds.counts.staleness import Staleness
from strads.engine.rounds.counts.visits import Visits
from strads.engine.rounds.driven import drive
from strads.engine.rounds.launch import Launch
from strads.engine.rounds.ring import Ring, culprit
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import (
    COUNT,
    EPOCH,
    KEY,
    LAST,
    N_MICRO,
    ROUND,
    SPANS,
    SWEEPS,
    Lease,
)
from strads.engine.schedules.replay import Record
from strads.engine.schedules.validation import demand_spans, demand_valid, is_trusted
from strads.kernels.driving.loop import IDLE_ROUNDS
from strads.kernels.driving.slots import Clocks
from strads.kernels.random import derive

#: Tells the random keys of rounds from other keys: it is folded into the seed, before the number
#: of the phase.
ROUNDS = 0x57AD5


class Rounds:
    """The rounds of one phase, with the policy that fills them.

    Parameters
    ----------
    schedule : Schedule
    world : World
        What the policy is started with.
    ring : Ring
    phase : Phase
    seed : int
    number : int
        Position of the phase in the program; part of every random key.
    counts : ndarray of int64, optional
        Words in shared memory that keep the counts of rounds: they outlive this process.
    starts : int
        How often a process has been replaced in this run. If one has, the counts go on, and no
        random key comes twice.
    """

    def __init__(
        self, schedule: Schedule, world: World, ring: Ring, phase: Phase, seed: int, number: int,
        *, counts: np.ndarray | None = None, starts: int = 0,
    ) -> None:  # fmt: skip
        self.name = phase.name
        self.policy: Any = None
        self.visits: Visits | None = None  # if visits of ids are to be counted
        self.past: Counter[str] = Counter()  # what the schedule's earlier policies have counted
        self.culprit = ""
        self.begin(schedule, world)
        self.ring = ring
        self.look_ahead = world.look_ahead
        self.key = derive(seed, ROUNDS, number)
        if starts:
            self.key = derive(self.key, ROUNDS, starts)
        self.epoch = 0  # finished epochs of this phase
        self.round = 0  # rounds filled since the run began
        self.single = 0  # rounds in which only one of several workers had ids
        self.empty = 0  # rounds in which no worker had ids
        self.exhausted = 0  # launches that ended early, since the policy had no ids left
        self.blocks = 0  # blocks that were not empty
        self.dispatched = 0  # ids handed out
        self.staleness = Staleness(phase.depth, self.look_ahead)
        self.waited = 0.0  # seconds for which the compiled loop has waited in the last launch
        self._kept = counts
        if starts and counts is not None:
            found = counts[: len(COUNTED)].tolist()
            vars(self).update(zip(COUNTED, found, strict=True))
        self.log: list[Record] | None = None  # a list if rounds are to be recorded

    def begin(self, schedule: Schedule, world: World, *, anew: bool = False) -> None:
        """Start the policy of a schedule.

        With `anew`, the same schedule had a policy before, and statistics go on counting; without,
        the schedule replaces another.
        """
        if anew:
            with blamed(self.culprit):
                self.past = self._counted(self.policy.statistics())
        else:
            self.past = Counter()
        self.culprit = culprit(schedule, self.name)
        self.world = world
        if self.visits is not None:
            self.visits.begin(world)
        with blamed(self.culprit):
            self.policy = schedule.start(world)
        if not isinstance(self.policy, Policy):
            raise ProgramError(
                f"{self.culprit}: start(world) returned {self.policy!r:.60}, which is not a Policy"
            )
        self.trusted = is_trusted(self.policy)

    def _counted(self, counts: Mapping[str, Any]) -> Counter[str]:
        """Add up what this policy and the schedule's earlier ones have counted."""
        return self.past + Counter({n: c for n, c in counts.items() if n not in self.policy.levels})

    def tell(self, message: str, content: Sequence[Any]) -> None:
        """Call a public method of the policy that is meant for programs, not for the engine.

        Raises
        ------
        ProgramError
            If the policy has no such method, or the method refuses its arguments.
        """
        if not self._hears(message):
            heard = filter(self._hears, sorted(dir(type(self.policy))))
            raise ProgramError(
                f"{self.culprit} has no message {message!r}; it understands {', '.join(heard)}"
            )
        with blamed(self.culprit), _named(self.culprit):
            getattr(self.policy, message)(*content)

    def _hears(self, message: str) -> bool:
        """Whether the policy's class has a method of that name that is meant for programs."""
        if message[:1] == "_" or message in _ENGINES or not hasattr(type(self.policy), message):
            return False
        return callable(getattr(self.policy, message))

    def launch(
        self,
        epochs: int,
        await_done: Callable[[int], None],
        dispatched: Callable[[int], None],
        clocks: Clocks | None = None,
    ) -> int:
        """Run `epochs` epochs, fewer if the policy has no ids left; return the number of rounds.

        A compiled loop does it, without Python in a round, for policies of this package that have
        :meth:`~strads.engine.schedules.base.Policy.driven`, unless rounds are recorded.

        Parameters
        ----------
        epochs : int
        await_done : callable
            ``await_done(k)`` returns once the first k rounds are finished.
        dispatched : callable
            ``dispatched(t)`` hands round t, now in its slot, to the workers.
            Of the subclasses of ``Exception``, both callables raise only errors of this package.
        clocks : Clocks, optional
            By which a compiled loop waits for workers, and hands rounds to them, instead of calling
            the two.

        Raises
        ------
        KernelError
            If the schedule raises.
        ProgramError
            If the schedule hands out ids that kernels could not run on safely, or never any id.
        """
        try:
            with blamed(self.culprit):  # once for all rounds: a round is too short to afford it
                driven = None
                checked = self.world.spans and not self.policy.static
                if self.trusted and self.log is None and not checked:
                    driven = self.policy.driven(self._slot(0))
                if driven is None:
                    return self._launch(epochs, await_done, dispatched)
                return drive(self, driven, epochs, dispatched, clocks)
        finally:
            if self._kept is not None:
                self._kept[: len(COUNTED)] = [getattr(self, name) for name in COUNTED]

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
        """Fill round t, and note in its lease whether it is the last one of the launch."""
        lease = self._slot(t)
        info = lease.info
        info[:] = 0
        info[SWEEPS] = 1
        self._handed_out(lease)
        lease.clear_gains()  # slots are used again
        info[ROUND], info[EPOCH] = self.round, self.epoch
        counter = self.epoch if self.policy.static else self.round
        info[KEY] = derive(self.key, counter)
        self.round += 1
        self.epoch += launch.hand_out(self.policy, int(info[COUNT]))
        if launch.exhausted:
            self.exhaust()
        info[LAST] = launch.over
        if self.log is not None:
            self.log.append(Record.of(lease, self.policy))

    def _handed_out(self, lease: Lease) -> None:
        """Have the policy fill a lease; validate it, unless the policy is the package's own."""
        if self.trusted and not self.world.spans:
            self.policy.fill(lease)
            return
        with _named(self.culprit):
            self.policy.fill(lease)
        if not self.trusted:
            demand_valid(lease, self.policy, self.world, self.culprit)
            lease.clear_changes()  # slots are used again, and a fill() of a user's may not do it
        if self.world.spans and not lease.info[SPANS]:
            with _named(self.culprit):
                demand_spans(lease)

    def exhaust(self) -> None:
        """Note that the policy has no ids left.

        Raises
        ------
        ProgramError
            If it never handed out any.
        """
        if self.dispatched == 0:
            raise ProgramError(
                f"{self.culprit} handed out no id in {IDLE_ROUNDS} rounds, although "
                f"{self.policy.n_active} are active. Its dispatch() or fill() must hand out ids, "
                "or activate([]) must say that no id is active"
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
        if self.visits is not None:
            self.visits.add(lease)
        self.staleness.add(int(info[N_MICRO] * info[SWEEPS]), unseen)

    def recorded(self) -> list[Record]:
        """Return the rounds that were recorded since the last call."""
        found, self.log = self.log or [], None if self.log is None else []
        return found

    def state(self) -> dict[str, Any]:
        """State of the policy and all counts, for a checkpoint."""
        with blamed(self.culprit):
            policy = self.policy.state()
        counts = {name: getattr(self, name) for name in COUNTED}
        past = dict(self.past)
        return {"policy": policy, "past": past, **counts, "staleness": self.staleness.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        with blamed(self.culprit):
            self.policy.restore(state["policy"])
        self.past = Counter(state["past"])
        vars(self).update({name: state[name] for name in COUNTED})
        self.staleness.restore(state["staleness"])

    def statistics(self) -> dict[str, Any]:
        """Counts of rounds and ids, staleness, and what the policy counts."""
        with blamed(self.culprit):
            own = self.policy.statistics()
            counted = {**own, **self._counted(own)}
        return {
            "rounds": self.round,
            "active": int(self.policy.n_active),
            "micro_rounds": self.staleness.pushes,
            "epochs": self.epoch,
            "rounds_on_one_worker": self.single,
            "empty_rounds": self.empty,
            "exhausted": self.exhausted,
            "blocks": self.blocks,
            **counted,
            "dispatched": self.dispatched,
            "staleness": self.staleness.statistics(),
        }


#: Methods of a policy that only the engine calls.
_ENGINES = frozenset(
    {name for name, value in vars(Policy).items() if callable(value)}
    | {"plan"}
) - {"activate", "restrain"}  # fmt: skip
#: Names of the counts of rounds, which outlive a process.
COUNTED = ("epoch", "round", "single", "empty", "exhausted", "blocks", "dispatched")


@contextmanager
def _named(culprit: str) -> Iterator[None]:
    """Put the schedule's name in front of the message of a ProgramError."""
    try:
        yield
    except ProgramError as error:
        raise ProgramError(f"{culprit}: {error}") from error

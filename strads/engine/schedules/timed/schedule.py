"""Timed: one of several schedules at a time, whichever comes closer to the target a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.compiling.requests import KernelRequest
from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import Lease
from strads.engine.schedules.validation import is_trusted

#: A step and the setting that is used after it.
Choice = tuple[int, str]
#: Between the name of a setting and the name of one of its kernels or arrays.
_MARK = "/"


@dataclass(frozen=True)
class Timed(Schedule):
    """Use one of several schedules at a time: the one whose seconds lower the certificate most.

    The leader measures between steps, and no policy reads a clock. Therefore two runs differ in
    their bits, unless the second one is given the choices of the first as `choices`: it then
    reads no clock. They are in ``statistics["schedules"][phase]["choices"]`` of a run, and in the
    events ``setting`` of its folder.

    A window is `window` steps. Its rate is the fall of the logarithm of the certificate over its
    seconds. Each setting has one window at first, in order; then the one with the highest rate is
    used. After 4, 8, 16, … windows one of the others, in turn, has a window again; it stays in
    use if its rate exceeds that of the window before.

    Parameters
    ----------
    axis : str
    settings : mapping of str to Schedule
        The schedules by name, all over `axis`. All of them keep what they know while another one
        is used.
    window : int
        Number of steps. Few suffice where the certificate falls in every step.
    choices : sequence of (int, str), optional
        A step and the setting that is used after it, as logged by an earlier run.

    Notes
    -----
    The program must have a certificate. Of settings that are static and others, a round of one may
    get the same random key as a round of another: a program whose kernels draw should not mix them.
    """

    settings: Mapping[str, Schedule] = field(default_factory=dict)
    window: int = field(default=4, kw_only=True)
    choices: Sequence[Choice] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if not self.settings:
            raise ProgramError("settings must have a schedule at least, by its name")
        for name, schedule in self.settings.items():
            if not isinstance(schedule, Schedule):
                raise ProgramError(f"settings[{name!r}]={schedule!r:.60} is not a Schedule")
            if isinstance(schedule, Timed):
                raise ProgramError(f"settings[{name!r}] is Timed, too: put all settings into one")
            if schedule.axis != self.axis:
                raise ProgramError(
                    f"settings[{name!r}] is over axis {schedule.axis!r}, not {self.axis!r}"
                )
        if self.window < 1:
            raise ProgramError(f"window={self.window} must be at least 1 step")
        for _, name in self.choices or ():
            if name not in self.settings:
                raise ProgramError(
                    f"choices name {name!r}, but the settings are {', '.join(self.settings)}"
                )

    def _worlds(self, world: World) -> Iterator[tuple[str, Schedule, World]]:
        """Yield each setting, and the world with its own kernels and arrays."""
        for name, schedule in self.settings.items():
            kernels, made = _own(world.kernels, name), _own(world.made, name)
            yield name, schedule, replace(world, kernels=kernels, made=made)

    def _most(self, number: Callable[[Schedule], int]) -> int:
        return max(number(schedule) for schedule in self.settings.values())

    def capacity(self, world: World) -> int:
        """Number of ids per worker that suffices for every setting."""
        return self._most(lambda schedule: schedule.capacity(world))

    def micro_max(self, world: World) -> int:
        """Largest number of micro-rounds of a lease of any setting."""
        return self._most(lambda schedule: schedule.micro_max(world))

    def micro_least(self, world: World) -> int:
        """Number of micro-rounds that suffices for every setting."""
        return self._most(lambda schedule: schedule.micro_least(world))

    def declared(self, fields: Mapping[str, Field]) -> None:
        """Refuse fields that a setting cannot use."""
        for schedule in self.settings.values():
            schedule.declared(fields)

    def kernels(self, world: World) -> dict[str, CompiledKernel | KernelRequest]:
        """Request what the policies of all settings call."""
        return {
            name + _MARK + word: kernel
            for name, schedule, own in self._worlds(world)
            for word, kernel in schedule.kernels(own).items()
        }

    def make(self, world: World) -> dict[str, Any]:
        """Compute the arrays for the policies of all settings."""
        return {
            name + _MARK + word: array
            for name, schedule, own in self._worlds(world)
            for word, array in schedule.make(own).items()
        }

    def bare(self) -> Timed:
        """Return the schedule without what only the leader needs."""
        return replace(self, settings={n: each.bare() for n, each in self.settings.items()})

    def nbytes(self, world: World) -> int:
        """Bytes of the policies of all settings."""
        return sum(schedule.nbytes(world) for schedule in self.settings.values())

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return TimedPolicy(
            world, {name: each.start(own) for name, each, own in self._worlds(world)}
        )


class TimedPolicy(Policy):
    """The policies of all settings, of which one is used."""

    def __init__(self, world: World, inner: Mapping[str, Policy]) -> None:
        super().__init__(world)
        self.inner = dict(inner)
        own = frozenset({"setting", "choices"})
        self.levels = own.union(*(each.levels for each in inner.values()))  # type: ignore[misc]
        self.relays = not all(is_trusted(each) for each in inner.values())
        self.choices: list[Choice] = []
        self._use(next(iter(inner)))

    def _use(self, name: str) -> None:
        self.setting, self.used = name, self.inner[name]
        self.static, self.moves_holders = self.used.static, self.used.moves_holders

    def choose(self, choices: Sequence[Choice]) -> None:
        """Use the last of these settings; the others are those of earlier steps."""
        self.choices = [(int(step), str(name)) for step, name in choices]
        self._use(self.choices[-1][1])

    def activate(self, ids: Any, weights: Any = None) -> None:
        """Restrict every setting to these ids."""
        super().activate(ids, weights)
        for each in self.inner.values():
            each.activate(ids, weights)

    def restrain(self, factor: float) -> None:
        """Allow less dependence under every setting."""
        for each in self.inner.values():
            each.restrain(factor)

    def fill(self, lease: Lease) -> None:
        """Write the next round into a lease."""
        self.used.fill(lease)

    def observe(self, lease: Lease) -> None:
        """Learn from a finished round: settings change between launches, when all are observed."""
        self.used.observe(lease)

    def driven(self, lease: Lease) -> Any:
        """Return what the compiled loop needs to drive the setting that is used."""
        return self.used.driven(lease)

    def write_order(self) -> None:
        """Write the order of the next epoch for the compiled loop."""
        self.used.write_order()

    def undriven(self) -> None:
        """Take over what the compiled loop has changed."""
        self.used.undriven()

    def epoch_rounds(self) -> int:
        """Number of rounds in an epoch, if the setting is static."""
        return self.used.epoch_rounds()

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs: the states of all settings, and the choices."""
        inner = {name: each.state() for name, each in self.inner.items()}
        return {**super().state(), "inner": inner, "choices": list(self.choices)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        for name, each in self.inner.items():
            each.restore(state["inner"][name])
        if state["choices"]:
            self.choose(state["choices"])

    def statistics(self) -> dict[str, Any]:
        """Return the counts of all settings together, the rest of the used one, and the choices."""
        found: dict[str, Any] = {}
        for each in self.inner.values():
            for name, count in each.statistics().items():
                if name not in self.levels:
                    found[name] = found.get(name, 0) + count
        own = {n: value for n, value in self.used.statistics().items() if n in self.levels}
        return {**found, **own, "setting": self.setting, "choices": list(self.choices)}


def _own(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what belongs to a setting, by the names that its schedule knows."""
    head = name + _MARK
    return {word[len(head) :]: value for word, value in given.items() if word.startswith(head)}

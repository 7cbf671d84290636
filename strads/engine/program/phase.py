"""Phases: a push, a pull and the schedule that drives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.program.kernels import ENGINE_WORDS, WITHOUT_SCHEDULE, parameters
from strads.engine.schedules.base import Schedule


class Declarations(Protocol):
    """What the checks of a phase ask the program that declares it."""

    def axes(self) -> set[str]:
        """Names of its axes."""

    def fields(self) -> dict[str, Field]:
        """Its fields by name."""

    def demand_kernel(self, function: Any, what: str) -> None:
        """Refuse what is no kernel."""

    def check_words(
        self, function: Any, place: str, missing: Mapping[str, str], where: Mapping[str, str]
    ) -> None:
        """Refuse parameters of a kernel that the program does not declare."""


@dataclass(frozen=True)
class Phase:
    """A schedule and the kernels that it drives.

    Parameters
    ----------
    push, pull : kernel or str, optional
        Kernels, or the names of kernels of the program. Without a schedule every worker runs the
        push once per epoch, with its ranges instead of a block.
    schedule : Schedule, optional
        Says which worker updates which ids, and when.
    frozen : tuple of str
        Mutable fields that this phase only reads; its kernels get them read-only.
    sequential : bool
        Whether a push sees its own earlier updates, so that ids of one worker's block may depend
        on each other.
    depth : int
        Number of micro-rounds by which a pull lags behind its push: the push of micro-round t sees
        the updates of micro-rounds up to t - 1 - depth.
    look_ahead : int, optional
        Number of rounds that the schedule may fill before the workers reach them. By default 1, so
        that workers need not wait for the schedule; 0 if one worker works alone and without depth,
        since the schedule runs in the same process.
    where : mapping of str to str
        What parameters of the kernels stand for in this phase: ``{"rows": "users", "F": "W"}`` has
        a kernel ask for `rows` and `F`, and get the axis `users` and the field `W`. So phases that
        do the same to different fields share one kernel, which is compiled once, except if it
        asks for replicated fields. A parameter that is not listed stands for the field, axis or
        engine's word of its name.
    """

    push: Any = "push"
    pull: Any = None
    schedule: Schedule | None = None
    frozen: tuple[str, ...] = ()
    sequential: bool = False
    depth: int = 0
    look_ahead: int | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def words(self) -> set[str]:
        """Names of the parameters of both kernels."""
        kernels = (each for each in (self.push, self.pull) if each is not None)
        return {word for each in kernels for word in parameters(each)}

    @property
    def spans(self) -> bool:
        """Whether a kernel asks for ``span``; all blocks must then be ids in a row."""
        return "span" in self.words

    def lag(self, workers: int) -> int:
        """Return the number of rounds by which a schedule's feedback lags behind its leases."""
        ahead = self.look_ahead
        if ahead is None:
            ahead = 0 if workers == 1 and self.depth == 0 else 1
        return max(ahead, self.depth)


def resolved(phase: Phase, program: Declarations) -> Phase:
    """Replace names of kernels by the program's kernels, and check the phase.

    Raises
    ------
    ProgramError
        If the program lacks what the phase names, or the phase contradicts the program's fields.
    """

    def find(named: Any, word: str) -> Any:
        if not isinstance(named, str):
            return named
        found = getattr(type(program), named, None)
        if found is None:
            raise ProgramError(
                f"phase {phase.name!r} of {type(program).__name__} has no kernel {named!r} "
                f"for its {word}; define it with @kernel"
            )
        return found

    made = replace(phase, push=find(phase.push, "push"), pull=find(phase.pull, "pull"))
    for word in ("push", "pull"):
        if getattr(made, word) is not None:
            program.demand_kernel(getattr(made, word), f"the {word} of phase {phase.name!r}")
    _demand_schedule(made, program)
    _demand_options(made, program)
    _demand_words(made, program)
    return made


def _demand_schedule(phase: Phase, program: Declarations) -> None:
    schedule = phase.schedule
    if schedule is None:
        return
    if not isinstance(schedule, Schedule):
        raise ProgramError(
            f"the schedule of phase {phase.name!r} of {type(program).__name__} is "
            f"{schedule!r:.60}, which is not a Schedule; give one, as in RoundRobin('axis')"
        )
    if schedule.axis not in program.axes():
        raise ProgramError(
            f"the schedule of phase {phase.name!r} works on axis {schedule.axis!r}, which no "
            f"field of {type(program).__name__} has"
        )
    schedule.declared(program.fields())


def _demand_options(phase: Phase, program: Declarations) -> None:
    fields = program.fields()
    for word in phase.frozen:
        if word not in fields or not fields[word].mutable:
            raise ProgramError(f"frozen={word!r} is not a mutable field")
    if phase.depth < 0 or (phase.look_ahead or 0) < 0:
        raise ProgramError("depth and look_ahead must not be negative")


def _demand_words(phase: Phase, program: Declarations) -> None:
    """Refuse kernels that ask for what their phase does not have."""
    for word in phase.where:
        if word in ENGINE_WORDS:
            raise ProgramError(
                f"where of phase {phase.name!r} says what {word!r} stands for, which is always the "
                "engine's; rename the parameter of the kernel"
            )
    place = f"phase {phase.name!r}"
    if phase.schedule is None:
        place += ", which has no schedule"
    if {"block", "span"} <= phase.words:
        raise ProgramError(
            f"the kernels of {place} ask for both 'block' and 'span'; all must ask for the same"
        )
    for function in (phase.push, phase.pull):
        if function is not None:
            missing = WITHOUT_SCHEDULE if phase.schedule is None else {}
            program.check_words(function, place, missing, phase.where)
    if phase.pull is not None and phase.depth:
        why = (
            "at depth > 0 a pull belongs to an earlier micro-round than the key; let the push "
            "draw, and send what it has drawn through an outbox"
        )
        program.check_words(phase.pull, place, {"key": why}, phase.where)

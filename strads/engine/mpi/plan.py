"""Which arrays a stage may write, and how the ranks bring them level.

After an exchange that ends a launch, every array has the same bits on all ranks, those of a run on
one machine: so the leader's part of a program, which all ranks execute, may read and write all of
them. Within a launch, only what other workers may read before it ends is exchanged:

* *Moved*: a private field on the axis of a schedule that moves holders, a slice of factors for
  instance. Its rows go from the rank that has written them last to their next holder, before the
  push of that one, and to all ranks at the end of the launch.
* *Block*: the same without the promise to be private. The rows of a block go to all ranks after its
  push, and after its pull if that has the field among its parameters.
* *Shared*: a sliced field that other workers may read in the next push or pull. What a rank has
  changed is exchanged after each push, or pull, that has the field among its parameters.
* *Own*: a private field, of which a worker writes its range, and a replicated one, of which it
  writes its copy. Nobody else reads them before the launch ends.

In a stage without rounds nobody reads what others write, so that a private field is no better than
any sliced one there; and what a worker writes need not lie in its range, as long as no other worker
writes it. So private fields are shared fields in such stages.

Scratch is never exchanged, and fields that a phase names in ``frozen`` are not written. Local
fields stay where they are (:mod:`strads.engine.mpi.homes`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from strads.engine.errors import ProgramError
from strads.engine.fields import Field, Outbox, Scratch
from strads.engine.program.kernels import meanings
from strads.engine.program.program import Program
from strads.engine.rounds.generated.writer import Stage, two_sided
from strads.engine.rounds.stages import has_rounds


@dataclass(frozen=True)
class Plan:
    """How a stage's arrays are brought level; names of fields.

    Attributes
    ----------
    pushed : tuple of str
        Shared fields that a push may write.
    pulled : tuple of str
        Shared fields that a pull may write.
    own : tuple of str
    blocks, pulled_blocks : tuple of str
        Fields whose rows go with a block, after its push and after its pull.
    moved : tuple of str
        Fields whose rows go from holder to holder.
    """

    pushed: tuple[str, ...]
    pulled: tuple[str, ...]
    own: tuple[str, ...]
    blocks: tuple[str, ...] = ()
    pulled_blocks: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    @property
    def shared(self) -> tuple[str, ...]:
        """All shared fields."""
        return tuple(dict.fromkeys([*self.pushed, *self.pulled]))


def plan_of(program: Program, stage: Stage, *, moves_holders: bool) -> Plan:
    """Return the plan of a stage.

    Parameters
    ----------
    program : Program
    stage : Stage
    moves_holders : bool
        Whether the policy of its phase lets ids change their worker between rounds.
    """
    written = _written(program, stage, stage.fields)
    phase = stage.phase
    if phase is None or not has_rounds(stage):
        copies = [name for name, field in written.items() if field.replicated]
        return Plan(tuple(n for n in written if n not in copies), (), tuple(copies))
    axis = phase.schedule.axis if phase.schedule is not None and moves_holders else None
    _demand_at_home(program, stage, phase.name, axis)
    blocks = {n for n, field in written.items() if field.axes[0] == axis and not field.replicated}
    pushes = _written(program, stage, meanings(phase.push, phase.where).values())
    pulls: dict[str, Field] = {}
    if phase.pull is not None:
        pulls = _written(program, stage, meanings(phase.pull, phase.where).values())
    moved = {n for n in blocks if written[n].private and n not in pulls}
    shown = pulls if two_sided(program, phase) else {}
    return Plan(
        pushed=tuple(n for n, f in pushes.items() if not _is_own(f) and n not in blocks),
        pulled=tuple(n for n, f in shown.items() if not _is_own(f) and n not in blocks),
        own=_own({n: f for n, f in written.items() if n not in blocks}),
        blocks=tuple(n for n in pushes if n in blocks and n not in moved),
        pulled_blocks=tuple(n for n in pulls if n in blocks),
        moved=tuple(n for n in pushes if n in moved),
    )


def _written(program: Program, stage: Stage, words: Iterable[str]) -> dict[str, Field]:
    """Return those of some fields that the stage may write and others may see."""
    fields = program.fields()
    found = {word: fields[word] for word in words if word in fields}
    return {
        name: field for name, field in found.items()
        if field.mutable and name not in stage.frozen and not field.local
        and not isinstance(field, Outbox | Scratch)
    }  # fmt: skip


def _demand_at_home(program: Program, stage: Stage, phase: str, axis: str | None) -> None:
    """Refuse a local field on an axis whose ids a schedule gives to other workers."""
    fields = program.fields()
    for name in stage.fields:
        if name in fields and fields[name].local and fields[name].axes[0] == axis:
            raise ProgramError(
                f"{type(program).__name__} declares {name} local, but the schedule of phase "
                f"{phase!r} lets ids of {axis!r} change their worker: declare it private"
            )


def _is_own(field: Field) -> bool:
    return field.private or field.replicated


def _own(written: dict[str, Field]) -> tuple[str, ...]:
    return tuple(name for name, field in written.items() if _is_own(field))

"""Write the two halves of a phase's loop: the pushes of a micro-round, and its pulls.

The loop of a phase synchronises workers that share memory. Where they do not, an executor calls the
halves one after the other, and exchanges between them what the workers have written.
"""

from __future__ import annotations

from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.generated import templates
from strads.engine.rounds.generated.writer import Stage, Writer, finished, indent


def write_push(program: Program, phase: Phase) -> Stage:
    """Generate the pushes of one micro-round of a phase that has a schedule or a pull."""
    writer = Writer(program, phase.where)
    push = writer.call(phase.push, worker="p", source="p", slot="slot", buffer="buffer")
    text = templates.PUSH_HALF.format(key=_key(phase), skip=_skip(phase, 12), push=push)
    return finished(
        phase, writer, text, 2 * phase.depth + 2, name="push", first=templates.PUSH_FIRST
    )


def write_pull(program: Program, phase: Phase) -> Stage:
    """Generate the pulls of one micro-round of a phase."""
    writer = Writer(program, phase.where)
    pull = writer.call(phase.pull, worker="p", source="q", slot="pull_slot", buffer="pull_buffer")
    text = templates.PULL_HALF.format(key=_key(phase), skip=_skip(phase, 16), pull=pull)
    return finished(
        phase, writer, text, 2 * phase.depth + 2, name="pull", first=templates.PULL_FIRST
    )


def _key(phase: Phase) -> str:
    scheduled = phase.schedule is not None
    return indent(templates.KEY_OF_LEASE if scheduled else templates.KEY_OF_EPOCH, 4)


def _skip(phase: Phase, spaces: int) -> str:
    """Skip an empty block; a phase without schedule has nothing but empty blocks."""
    return "pass" if phase.schedule is None else f"if lo == hi:\n{' ' * spaces}continue"

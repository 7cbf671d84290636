"""Write the stage of a phase: a loop over rounds that pushes, synchronises and pulls.

Every stage is one generated function, written as source text, compiled once and run by both
executors. The serial executor passes workers ``0..P-1`` and ``sync=False``; a worker process passes
its own index and ``sync=True``. A program never sees the synchronisation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.fields import Control, Field, Outbox
from strads.engine.memory.layout import replicated
from strads.engine.program.kernels import WITHOUT_ROUNDS, meanings
from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.generated import templates
from strads.engine.schedules.lease import EPOCH, KEY, LAST, N_MICRO, SWEEPS
from strads.kernels.borrowed import borrowed
from strads.kernels.parts import store_parts
from strads.kernels.random import fold
from strads.kernels.sync.atomics import cycles
from strads.kernels.sync.clock import await_all, await_lease, publish
from strads.kernels.views import consecutive


@dataclass(frozen=True)
class Stage:
    """A generated function and a description of its arguments."""

    name: str
    source: str
    function: Callable[..., Any]
    # Arguments: arrays of the engine, fields, outboxes, bounds of axes.
    engine: tuple[str, ...]
    fields: tuple[str, ...]
    axes: tuple[str, ...]
    outboxes: tuple[str, ...]
    buffers: int  # of every outbox
    frozen: frozenset[str]  # fields that the stage may not write
    phase: Phase | None  # None for measure and rebuild
    kernels: tuple[Any, ...]  # push and pull, or the only kernel
    first: str = ""  # names of the numbers that come before the arrays


def two_sided(program: Program, phase: Phase) -> bool:
    """Whether all workers must wait for each other once more after a pull.

    They must if the pull touches entries that other workers may read or write in their next push:
    entries of a mutable, sliced field that is neither private nor frozen.
    """
    if phase.pull is None:
        return False
    fields = program.fields()
    for word in meanings(phase.pull, phase.where).values():
        field = fields.get(word)
        if field is None or not field.mutable or isinstance(field, Outbox):
            continue
        if not (field.replicated or field.private or word in phase.frozen):
            return True
    return False


def own(name: str) -> str:
    """Name of a program's array in generated code, different from all variables of the loop."""
    return f"own_{name}"


def indent(text: str, spaces: int) -> str:
    """Indent every line of a template's text."""
    pad = " " * spaces
    return "\n".join(pad + line if line.strip() else "" for line in text.strip().splitlines())


class Writer:
    """Writes the arguments of kernels, and lists the fields, axes and outboxes that they use.

    Generated code calls these as the kernels do, whatever they stand for: so phases that share a
    kernel get the same code. The lists are mappings of these words to names of the program.
    """

    def __init__(self, program: Program, where: Mapping[str, str] = MappingProxyType({})) -> None:
        self.declared = program.fields()
        self.where = where
        self.fields: dict[str, str] = {}
        self.axes: dict[str, str] = {}
        self.outboxes: dict[str, str] = {}
        self._copies = replicated(program)

    def call(self, function: Any, *, worker: str, source: str, slot: str, buffer: str) -> str:
        """Write the arguments of `worker`'s kernel, called on the block of worker `source`."""
        words = meanings(function, self.where).items()
        return ", ".join(self._word(*word, worker, source, slot, buffer) for word in words)

    def _word(self, word: str, meant: str, worker: str, source: str, slot: str, buffer: str) -> str:
        engine = {
            "block": f"consecutive(ids, ({slot}, {source}), lo, hi)",
            "span": f"(ids[{slot}, {source}, lo], ids[{slot}, {source}, lo] + hi - lo)",
            "change": f"consecutive(change, ({slot}, {source}), lo, hi)",
            "gain": f"consecutive(gain, ({slot}, {source}), lo, hi)",
            "promise": f"consecutive(promise, ({worker},), 0, 1)",
            "key": "key",
            "worker": worker,
            "workers": "n_workers",
            "source": source,
        }
        field = self.declared.get(meant)
        if isinstance(field, Outbox):
            self.outboxes[word] = meant
            return f"consecutive({own(word)}, ({buffer}, {source}), lo, hi)"
        if field is not None:
            self.fields[word] = meant
            return self._array(own(word), field, worker)
        if word in engine:
            return engine[word]
        self.axes[word] = meant
        return f"(bounds_{word}[{worker}], bounds_{word}[{worker} + 1])"

    def _array(self, name: str, field: Field, worker: str) -> str:
        if isinstance(field, Control) and field.scalar:
            return f"{name}[0]"
        if not field.replicated:
            return name
        # Entries behind the last id pad each copy, so that no two copies share a cache line.
        room = f"rooms[{self._copies.index(field.name)}]"
        return f"consecutive({name}, ({worker},), 0, {room})"


def write_loop(program: Program, phase: Phase) -> Stage:
    """Generate the loop of a phase.

    Raises
    ------
    ProgramError
        If the phase asks for a depth that its pull does not allow.
    """
    if phase.schedule is None and phase.pull is None and not phase.depth:
        return _write_plain(program, phase)
    writer = Writer(program, phase.where)
    second = templates.SECOND.strip("\n") if two_sided(program, phase) else ""
    if phase.depth and (second or phase.pull is None):
        raise ProgramError(
            f"phase {phase.name!r} asks for depth={phase.depth}, but it has no pull, or its pull "
            "touches sliced entries that other workers see. With a depth, a pull may touch only "
            "replicated, private or frozen fields"
        )
    buffers = 2 * phase.depth + 2
    skip = "if lo == hi:\n{pad}    continue" if phase.schedule is not None else "pass"
    push = writer.call(phase.push, worker="p", source="p", slot="slot", buffer="buffer")
    body = _pull_body(writer, phase, skip, buffers)
    after = drain = ""
    if phase.depth == 0:
        after = templates.PULL_AT_ONCE.format(pull_body=body, second=second)
    else:
        one_pull = templates.PULL.format(pull_body=body, buffers=buffers)
        after = f"if u > cursor[PULLED] + {phase.depth}:\n" + indent(one_pull, 4)
        drain = "if info[slot, LAST]:\n    while cursor[PULLED] < u:\n" + indent(one_pull, 8)
    key = templates.KEY_OF_LEASE if phase.schedule is not None else templates.KEY_OF_EPOCH
    text = templates.LOOP.format(
        key=indent(key, 12),
        buffers=buffers,
        skip=skip.format(pad=" " * 20),
        push=push,
        remember=indent(templates.REMEMBER, 16) if phase.depth else "",
        after_push=indent(after, 16),
        drain=indent(drain, 4),
    )
    return finished(phase, writer, text, buffers)


def _pull_body(writer: Writer, phase: Phase, skip: str, buffers: int) -> str:
    """Write the pulls of a micro-round: the one that was just pushed, or, with a depth, another."""
    if phase.pull is None:
        return ""
    slot, micro, buffer, found = "slot", "m", "buffer", ""
    if phase.depth:
        slot, micro, buffer = "pull_slot", "pull_micro", "pull_buffer"
        found = templates.PULLED_MICRO.format(buffers=buffers).strip("\n") + "\n"
    pull = writer.call(phase.pull, worker="p", source="q", slot=slot, buffer=buffer)
    body = templates.PULL_BODY.format(
        pull=pull, slot=slot, micro=micro, skip=skip.format(pad=" " * 8)
    )
    return found + body.strip("\n")


def _write_plain(program: Program, phase: Phase) -> Stage:
    """Generate the stage of a phase without schedule and without pull."""
    writer = Writer(program, phase.where)
    push = writer.call(phase.push, worker="p", source="p", slot="0", buffer="0")
    text = templates.PLAIN.format(key=indent(templates.KEY_OF_EPOCH, 4), push=push)
    return finished(phase, writer, text, buffers=0)


def finished(
    phase: Phase, writer: Writer, text: str, buffers: int, *, name: str = "loop",
    first: str = templates.LIMITS,
) -> Stage:  # fmt: skip
    """Complete the text of a phase's stage by its name and arguments, and define it.

    Parameters
    ----------
    phase : Phase
    writer : Writer
        Has written the arguments of the kernels.
    text : str
    buffers : int
        Of every outbox.
    name : str
        What the stage is: the whole loop of the phase, or a half of it.
    first : str
        The arguments that come first, which are numbers.
    """
    engine = [word for word in templates.ENGINE_ARRAYS if re.search(rf"\b{word}\b", text)]
    name = f"{name}_{phase.name}"
    arguments = [*engine, *map(own, writer.fields), *map(own, writer.outboxes)]
    arguments += [f"bounds_{a}" for a in writer.axes]
    # The caller keeps the arrays alive: their references need not be counted in every call.
    borrowing = "".join(f"\n    {word} = borrowed({word})" for word in arguments)
    source = f"def {name}({first}, {', '.join(arguments)}):{borrowing}{text}"
    return Stage(
        name, source, _define(name, source, push=phase.push, pull=phase.pull), tuple(engine),
        tuple(writer.fields.values()), tuple(writer.axes.values()),
        tuple(writer.outboxes.values()), buffers,
        frozenset(phase.frozen), phase,
        (phase.push,) if phase.pull is None else (phase.push, phase.pull), first,
    )  # fmt: skip


def write_once(program: Program, word: str) -> Stage:
    """Generate a function that calls ``measure`` or ``rebuild`` once for every worker."""
    function = getattr(type(program), word)
    program.demand_kernel(function, word)
    program.check_words(function, f"{word}()", WITHOUT_ROUNDS)
    writer = Writer(program)
    arguments = writer.call(function, worker="p", source="p", slot="0", buffer="0")
    call = f"target({arguments})"
    frozen: frozenset[str] = frozenset()
    if word == "measure":
        call = f"store(parts, p, {call})"
        frozen = frozenset(n for n, f in program.fields().items() if f.mutable)
        frozen -= {n for n, f in program.fields().items() if f.kind == "scratch"}
    names = [*map(own, writer.fields), *(f"bounds_{a}" for a in writer.axes)]
    name = f"once_{word}"
    source = templates.MEASURE.format(name=name, arguments=", ".join(names), call=call)
    made = _define(name, source, target=function, store=store_parts)
    return Stage(
        name, source, made, ("rooms",), tuple(writer.fields), tuple(writer.axes), (), 1, frozen,
        None, (function,),
    )  # fmt: skip


@lru_cache(256)
def _define(name: str, source: str, **names: Any) -> Callable[..., Any]:
    """Define the function of a source text. For the same text and names it is the same function.

    So the walk over all that it depends on (:mod:`strads.engine.compiling.keys`) finds it again.
    """
    space: dict[str, Any] = {
        "__name__": "strads.generated", "np": np, "cycles": cycles, "fold": fold,
        "borrowed": borrowed, "consecutive": consecutive,
        "publish": publish, "await_all": await_all, "await_lease": await_lease,
        **{word: getattr(templates, word) for word in templates.WORDS},
        "N_MICRO": N_MICRO, "KEY": KEY, "LAST": LAST, "SWEEPS": SWEEPS, "EPOCH": EPOCH,
        **names,
    }  # fmt: skip
    exec(compile(source, f"<strads {name}>", "exec"), space)
    function: Callable[..., Any] = space[name]
    return function

"""Save a run between two steps, and go on from there with the same bits.

A file holds variables, controls and derived arrays, which may carry rounding, of the sizes that
their axes then have; the state of every schedule with its blocks in flight; what the program adds
in ``save_state``; the figures of all steps. Not data: they are given again. Inside it is an
uncompressed ``.npz`` of arrays, one of them JSON; nothing is pickled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine.errors import DataError, ProgramError
from strads.engine.executor import Executor
from strads.engine.fields import Data, Field
from strads.engine.nested import decode, encode
from strads.engine.partition import Partition
from strads.engine.program import Program

FORMAT = 1
_KINDS = ("variable", "derived", "control")
_OF_USERS = {"rounds": "the schedules' state", "program": "save_state()"}  # for errors


def save(
    path: str | os.PathLike[str],
    executor: Executor,
    history: Sequence[Mapping[str, float]],
    seconds: float,
) -> None:
    """Write a checkpoint; a file of that name is replaced once the new one is complete.

    Raises
    ------
    ProgramError
        If the state of a schedule or of the program holds what a checkpoint cannot keep.
    OSError
        If the file cannot be written; an old one is still there.
    """
    program = executor.program
    content = {
        "format": FORMAT,
        "seed": executor.seed,
        "described": describe(executor),
        "grown": {
            axis: {"size": program.size[axis], "bounds": program.partitions[axis].bounds}
            for axis in sorted(executor.grown)
        },
        "rounds": executor.rounds_state(),
        "program": program.save_state(),
        "accounts": executor.accounts.state(),
        "history": [dict(figures) for figures in history],
        "seconds": seconds,
    }
    arrays = {f"field.{name}": used(program, field) for name, field in _kept(program).items()}
    tree = [[key, encode(value, arrays, _OF_USERS.get(key, key))] for key, value in content.items()]
    arrays["json"] = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    write_whole(Path(path), arrays)


def write_whole(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as ``.npz`` beside a path, and give the file its name when it is complete."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with open(unfinished, "xb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())  # or a crash of the machine could leave an empty new file
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class Saved:
    """A checkpoint that has been opened.

    Attributes
    ----------
    path : Path
    seed : int
    history : list of dict
        Figures of the steps before.
    seconds : float
        That they took.
    """

    def __init__(self, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
        self.path = path
        self._arrays = arrays
        tree = json.loads(arrays["json"].tobytes())
        self._content = {key: decode(value, arrays.__getitem__) for key, value in tree}
        self.format = self._content["format"]
        self.seed: int = self._content["seed"]
        self.history: list[dict[str, float]] = self._content["history"]
        self.seconds: float = self._content["seconds"]

    def restore(self, executor: Executor) -> None:
        """Put everything into a prepared run.

        Raises
        ------
        ProgramError
            If the checkpoint is of another program, or of a run of another shape.
        """
        content, program = self._content, executor.program
        self._demand_same(describe(executor))
        for axis, grown in content["grown"].items():
            executor.grow(axis, grown["size"], Partition(grown["bounds"]))
        for name, field in _kept(program).items():
            place, saved = used(program, field), self._arrays[f"field.{name}"]
            if (place.shape, place.dtype) != (saved.shape, saved.dtype):
                raise ProgramError(
                    f"{self.path}: {name} is {place.dtype} of shape {place.shape} here, "
                    f"{saved.dtype} of shape {saved.shape} in the checkpoint"
                )
            place[...] = saved
        executor.restore_rounds(content["rounds"])
        executor.accounts.restore(content["accounts"])
        program.load_state(content["program"])

    def _demand_same(self, here: Mapping[str, Any]) -> None:
        there: Mapping[str, Any] = self._content["described"]
        grown = {f"axis {axis!r}" for axis in self._content["grown"]}
        for word in dict.fromkeys([*there, *here]):
            if there.get(word) != here.get(word) and word not in grown:
                raise ProgramError(
                    f"{self.path} cannot be resumed: {word} is {here.get(word, 'absent')} here, "
                    f"{there.get(word, 'absent')} in the checkpoint. Give the same program, data, "
                    "workers, seed and partition as when it was saved"
                )


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Saved]:
    """Open a checkpoint; large arrays are read when they are put into place.

    Raises
    ------
    DataError
        If it is no checkpoint, damaged, cut off, or written in another format.
    """
    with contextlib.ExitStack() as stack:
        try:
            with zipfile.ZipFile(path) as whole:
                damaged = whole.testzip()  # sums of everything, before any of it is believed
            if damaged is not None:
                raise DataError(f"its part {damaged} is damaged")
            saved = Saved(Path(path), stack.enter_context(np.load(path, allow_pickle=False)))
        except MemoryError:
            raise
        except Exception as error:  # whatever a file that is no checkpoint may lead to
            raise DataError(
                f"{os.fspath(path)} cannot be read as a checkpoint: {error or type(error).__name__}"
            ) from error
        if saved.format != FORMAT:
            raise DataError(
                f"{os.fspath(path)} is a checkpoint of format {saved.format}, this version of "
                f"strads reads format {FORMAT}"
            )
        yield saved


def describe(executor: Executor) -> dict[str, str]:
    """What must be the same in a run that goes on, in words."""
    program = executor.program
    found = {
        "the program": type(program).__qualname__,
        "the number of workers": str(executor.workers),
        "the seed": str(executor.seed),
    }
    for name, field in program.fields().items():
        found[f"field {name!r}"] = _field(program, field)
    for name, phase in ((n, s.phase) for n, s in executor.stages.items() if s.phase is not None):
        found[f"phase {name!r}"] = (
            f"at depth={phase.depth}, look_ahead={phase.look_ahead}, sequential={phase.sequential}"
        )
        found[f"the schedule of phase {name!r}"] = _declared(executor.schedules.get(name))
    for axis, cut in program.partitions.items():
        found[f"axis {axis!r}"] = _cut(cut)
    return found


def _field(program: Program, field: Field) -> str:
    words = f"{field.kind} over ({', '.join(field.axes)})"
    if field.replicated:
        words += ", replicated"
    array = program.state.get(field.name)
    if isinstance(field, Data) and isinstance(array, tuple):
        return f"{words}, {array[0].dtype}, {len(array[0])} entries"
    return f"{words}, {field.dtype if array is None else array.dtype}"


def _declared(value: Any) -> str:
    """Name a schedule or coupling with those of its parameters that have a plain value."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if not dataclasses.is_dataclass(value):
        return type(value).__name__
    parameters = (
        f"{f.name}={_declared(getattr(value, f.name))}" for f in dataclasses.fields(value)
    )
    return f"{type(value).__name__}({', '.join(parameters)})"


def _cut(cut: Partition) -> str:
    words = f"of {cut.size} ids, cut at {cut.bounds[1:-1].tolist()}"
    if cut.order is None:
        return words
    return f"{words}, ordered as {hashlib.sha256(cut.order.tobytes()).hexdigest()[:12]}"


def _kept(program: Program) -> dict[str, Field]:
    return {n: f for n, f in program.fields().items() if f.kind in _KINDS}


def used(program: Program, field: Field) -> np.ndarray:
    """View of a field's array without reserved room."""
    array: np.ndarray = program.state[field.name]
    copies = (slice(None),) if field.replicated else ()
    return array[copies + tuple(slice(0, program.size[axis]) for axis in field.axes)]

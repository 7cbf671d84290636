"""Checkpoints: save a run between two steps, and resume it with the same bits.

A checkpoint holds the variables, the controls and the derived arrays (whose rounding errors a
rebuild would not reproduce), at the sizes that their axes have; the state of every schedule and of
the blocks that it has handed out; what the program adds in ``save_state``; the figures of all
steps. It does not hold data and kernels: the user gives them again, and digests show whether they
are the same (:mod:`strads.engine.run.checkpoints.fingerprint`). The file holds arrays, one of which
is JSON (:mod:`strads.engine.run.checkpoints.container`); nothing is pickled.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine.errors import DataError, KernelError, ProgramError, StradsError
from strads.engine.fields import Field
from strads.engine.partition import Partition
from strads.engine.program.kept import kept, used
from strads.engine.program.program import Program
from strads.engine.rounds.executor import Executor
from strads.engine.run.checkpoints import elsewhere
from strads.engine.run.checkpoints.container import Arrays, write_arrays
from strads.engine.run.checkpoints.fingerprint import SETTING, describe, fingerprints
from strads.engine.run.checkpoints.nested import decode, encode
from strads.engine.run.checkpoints.whole import replace_whole

#: With one of these statuses a run was not at its end, unless the program itself has stopped it.
GOING_ON = ("running", "interrupted", "epochs", "max_seconds")
#: What the parts of a file are; others are checked by those who restore them.
_KINDS_OF: dict[str, Any] = {
    "seed": int, "described": dict, "fingerprints": dict, "grown": dict, "orders": dict,
    "told": list, "rounds": dict, "accounts": dict, "history": list, "seconds": (int, float),
    "status": str,
}  # fmt: skip
_OF_USERS = {"rounds": "the schedules' state", "program": "save_state()"}  # in error messages


def save(
    path: str | os.PathLike[str],
    executor: Executor,
    history: Sequence[Mapping[str, float]],
    seconds: float,
    status: str,
) -> None:
    """Write a checkpoint that only the user may read.

    It replaces a file of that name when it is complete.

    Raises
    ------
    ProgramError
        If the state of a schedule or of the program has a value that a checkpoint cannot keep.
    OSError
        If the file cannot be written; a former file of that name is unchanged.
    """
    program = executor.program
    content = {
        "seed": executor.seed,
        "described": describe(executor),
        "fingerprints": _known(executor),
        "grown": {
            axis: {"size": program.size[axis], "bounds": program.partitions[axis].bounds}
            for axis in sorted(executor.grown)
        },
        "orders": elsewhere.orders(program),
        "told": [[phase, message, list(told)] for phase, message, told in executor.all_told()],
        "rounds": executor.rounds_state(),
        "program": program.save_state(),
        "accounts": executor.accounts.state(),
        "history": [dict(figures) for figures in history],
        "seconds": seconds,
        "status": status,
        "stopped": program.stopped,
    }
    arrays = {f"field.{name}": used(program, field) for name, field in kept(program).items()}
    tree = [[key, encode(value, arrays, _OF_USERS.get(key, key))] for key, value in content.items()]
    arrays["json"] = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    replace_whole(Path(path), lambda file: write_arrays(file, arrays))


class Saved:
    """A checkpoint that has been opened.

    Attributes
    ----------
    path : Path
    seed : int
    history : list of dict
        Figures of the steps before the checkpoint.
    seconds : float
        Time that these steps took.
    status : str
        Status of the run.
    """

    def __init__(self, path: Path, arrays: Arrays) -> None:
        self.path = path
        self._arrays = arrays
        tree = json.loads(arrays["json"].tobytes())
        self._content = {key: decode(value, arrays.__getitem__) for key, value in tree}
        self.seed: int = self._content["seed"]
        self.history: list[dict[str, float]] = self._content["history"]
        self.seconds: float = self._content["seconds"]
        self.status: str = self._content["status"]
        self._demand_kinds()

    def _demand_kinds(self) -> None:
        for name, kinds in _KINDS_OF.items():
            if not isinstance(self._content[name], kinds):
                raise DataError(f"its {name} is a {type(self._content[name]).__name__}")
        for figures in self.history:
            if not all(isinstance(value, (int, float)) for value in figures.values()):
                raise DataError("its history holds what is no number")

    def restore(self, executor: Executor, changed: Collection[str] = ()) -> None:
        """Restore the state of the run in an executor that has been prepared.

        Parameters
        ----------
        executor : Executor
        changed : collection of str
            Names of data, kernels, controls and variables that are meant to differ from those of
            the checkpoint; ``"kernels"`` stands for all kernels. If data or variables differ,
            derived arrays are rebuilt.

        Raises
        ------
        DataError
            If the state of a schedule or of the program cannot be put back.
        ProgramError
            If the checkpoint is of another program, or if the number of workers, the seed, a
            partition, or anything that is not in `changed` differs.
        """
        try:
            self._restore(executor, changed)
        except ProgramError:
            raise
        except (AttributeError, KernelError, LookupError, TypeError, ValueError) as error:
            # Most likely the file has been made by something else than `save`.
            told = str(error) if isinstance(error, StradsError) else repr(error)
            raise DataError(f"{self.path} cannot be resumed: {told}") from error

    def _restore(self, executor: Executor, changed: Collection[str]) -> None:
        content, program = self._content, executor.program
        meant, here = bool(changed), describe(executor)
        if elsewhere.has_other_workers(here, content["described"]) and not meant:
            return self._restore_elsewhere(executor, here)
        self._demand_same(here, content["described"], changed)
        self._demand_unchanged(executor, changed)
        # A variable or control that is not given keeps the value of the checkpoint.
        changed = {name for name in changed if name in program.given}
        rebuilding = self._rebuilding(program, changed)
        for axis, grown in content["grown"].items():
            executor.grow(axis, grown["size"], Partition(grown["bounds"]))
        for name, field in kept(program).items():
            if rebuilding and field.kind == "derived":
                used(program, field)[...] = 0
            elif name not in changed:
                self._put_back(program, field)
        executor.restore_rounds(content["rounds"])
        for phase, message, told in content["told"]:  # after a death, policies are told again
            executor.told.setdefault(phase, {})[message] = tuple(told)
        executor.accounts.restore(content["accounts"])
        program.load_state(content["program"])
        if rebuilding:
            executor.once("rebuild")
        self._take_status(program, meant=meant)

    def _restore_elsewhere(self, executor: Executor, here: Mapping[str, str]) -> None:
        there = elsewhere.without_workers(self._content["described"])
        self._demand_same(elsewhere.without_workers(here), there, ())
        self._demand_unchanged(executor, ())
        elsewhere.restore(
            self._content, lambda name: self._arrays[f"field.{name}"], executor, self.path
        )
        executor.accounts.restore(self._content["accounts"])
        self._take_status(executor.program, meant=False)

    def _take_status(self, program: Program, *, meant: bool) -> None:
        """Let a run that had ended do nothing more, unless something is meant to differ."""
        program.stopped = None if meant else self._content["stopped"]
        if program.stopped is None and (meant or self.status in GOING_ON):
            self.status = "running"

    def _put_back(self, program: Program, field: Field) -> None:
        place, saved = used(program, field), self._arrays[f"field.{field.name}"]
        if (place.shape, place.dtype) != (saved.shape, saved.dtype):
            raise ProgramError(
                f"{self.path}: {field.name} is {place.dtype} of shape {place.shape} here, "
                f"{saved.dtype} of shape {saved.shape} in the checkpoint"
            )
        place[...] = saved

    def _rebuilding(self, program: Program, changed: Collection[str]) -> bool:
        """Whether derived arrays of the checkpoint belong to data or variables that changed."""
        fields = program.fields()
        derived = [name for name, field in kept(program).items() if field.kind == "derived"]
        sources = [n for n in changed if n in fields and fields[n].kind in ("data", "variable")]
        if not sources or not derived:
            return False
        if program.rebuild is None:
            raise ProgramError(
                f"{self.path} cannot be resumed with another {sources[0]}: {derived[0]} is derived "
                f"from it, and {type(program).__name__} has no kernel rebuild that computes it"
            )
        return True

    def _demand_unchanged(self, executor: Executor, changed: Collection[str]) -> None:
        """Compare digests; keep those that later checkpoints of this run will hold."""
        there: dict[str, str] = self._content["fingerprints"]
        here, given = _known(executor), executor.program.given
        names = {_name(word) for word in [*there, *here] if word != SETTING} | {"kernels"}
        unknown = sorted(set(changed) - names)
        if unknown:
            raise ProgramError(
                f"resume_changed names {unknown[0]!r}, which is none of {', '.join(sorted(names))}"
            )
        for word in dict.fromkeys([*there, *here]):
            kind, name = word.partition(" ")[0], _name(word)
            if kind in ("control", "variable") and name not in given:
                here[word] = there.get(word, here[word])  # not given: the checkpoint decides
            of_kernels = kind == "kernel" or word == SETTING
            accepted = name in changed or (of_kernels and "kernels" in changed)
            if not accepted and there.get(word) != here.get(word):
                raise ProgramError(self._differs(word, here.get(word), there.get(word)))

    def _differs(self, word: str, here: str | None, there: str | None) -> str:
        name, kind = _name(word), word.partition(" ")[0]
        also = ""
        if word == SETTING:
            name, also = "kernels", ". Kernels cannot be compared then"
        elif kind == "kernel":
            also = " (or something that it uses)"
        elif kind == "control":
            also = f" (it begins with {here} here, and began with {there} in the checkpoint)"
        elif kind == "variable":
            also = " (this is about its first value, which the checkpoint would replace)"
        elif None in (here, there):
            also = f" (it is given only {'here' if there is None else 'in the checkpoint'})"
        what = f"{word} is not what it was when the checkpoint was saved"
        if word == SETTING:
            what = f"{word} is {here} here, {there} in the checkpoint"
        return (
            f"{self.path} cannot be resumed: {what}{also}. Give the same, or say that the change "
            f"is meant: resume_changed=[{name!r}]"
        )

    def _demand_same(
        self, here: Mapping[str, Any], there: Mapping[str, Any], changed: Collection[str]
    ) -> None:
        free = {f"axis {axis!r}" for axis in self._content["grown"]}  # these need not be the same
        free |= {f"field {name!r}" for name in changed}  # other data may have more entries
        for word in dict.fromkeys([*there, *here]):
            if there.get(word) != here.get(word) and word not in free:
                raise ProgramError(
                    f"{self.path} cannot be resumed: {word} is {here.get(word, 'absent')} here, "
                    f"{there.get(word, 'absent')} in the checkpoint. Give the same program, data, "
                    "workers, seed and partition as when it was saved"
                )


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Saved]:
    """Open a checkpoint; its large arrays are read when they are restored.

    Raises
    ------
    DataError
        If the file is no checkpoint, is damaged or incomplete, or has another format.
    """
    with contextlib.ExitStack() as stack:
        try:
            arrays = Arrays(Path(path))
            stack.callback(arrays.close)
            saved = Saved(Path(path), arrays)
        except MemoryError:
            raise
        except Exception as error:  # a file that is no checkpoint may cause any error
            raise DataError(
                f"{os.fspath(path)} cannot be read as a checkpoint: {error or type(error).__name__}"
            ) from error
        yield saved


def _known(executor: Executor) -> dict[str, str]:
    if executor.fingerprints is None:  # they take a while: once for each run
        executor.fingerprints = fingerprints(executor)
    return executor.fingerprints


def _name(word: str) -> str:
    """Return the name in a word such as ``"data 'A'"``."""
    return word.partition(" ")[2].strip("'")

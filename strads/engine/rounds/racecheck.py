"""Find races: a round must give the same bits if the workers run in the reverse order."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.engine.errors import RaceError
from strads.engine.memory.store import Store
from strads.engine.program.program import Program
from strads.engine.rounds.generated.writer import Stage


class RaceCheck:
    """Copies, restores and compares everything that a round may write.

    Parameters
    ----------
    program : Program
    store : Store
    stage : Stage
    cursor : ndarray
        How far the stage has got in its launch; see
        :mod:`strads.engine.rounds.generated.templates`.
    """

    def __init__(self, program: Program, store: Store, stage: Stage, cursor: np.ndarray) -> None:
        assert stage.phase is not None
        self.program = program
        self.name = stage.phase.name
        fields = program.fields()
        names = [n for n in stage.fields if fields[n].mutable and n not in stage.frozen]
        own = [f"{n}@{self.name}" for n in stage.outboxes]
        own += [f".{word}@{self.name}" for word in ("change", "gain") if word in stage.engine]
        # Scratch fields and clocks are restored but not compared: no round reads what an earlier
        # round left there.
        self.compared = [n for n in names if fields[n].kind != "scratch"] + own
        self.arrays: dict[str, np.ndarray] = {n: store.arrays[n] for n in names + own}
        for word in (".clocks", ".times", ".promise", ".published", ".done"):
            self.arrays[word] = store.arrays[word]
        self.arrays[".cursor"] = cursor

    def copy(self) -> dict[str, np.ndarray]:
        """Return a copy of the present contents."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def put_back(self, contents: dict[str, np.ndarray]) -> None:
        """Restore contents that :meth:`copy` returned."""
        for name, value in contents.items():
            self.arrays[name][...] = value

    def compare(self, forward: dict[str, np.ndarray], round_number: int) -> None:
        """Compare the present contents with those that the forward order gave.

        Raises
        ------
        RaceError
            If they differ; it names the array, the id and the round.
        """
        for name in self.compared:
            now, then = self.arrays[name], forward[name]
            if now.tobytes() == then.tobytes():
                continue
            index = tuple(int(i[0]) for i in np.nonzero(_bits(now) != _bits(then)))
            field = self.program.fields().get(name)
            raise RaceError(
                array=name.split("@")[0].lstrip("."),
                id=self._id(field, index),
                phase=self.name,
                round=round_number,
            )

    def _id(self, field: Any, index: tuple[int, ...]) -> int:
        """Return the id, as the user numbers ids, of the entry at `index`."""
        if field is None:
            return index[-1]
        dimension = 1 if field.replicated else 0
        order = self.program.partitions[field.axes[0]].order
        position = index[dimension]
        return int(order[position]) if order is not None else position


def _bits(array: np.ndarray) -> np.ndarray:
    """View floats as unsigned integers, so that a NaN equals itself."""
    flat = np.ascontiguousarray(array)
    return flat.view(f"u{flat.itemsize}") if flat.dtype.kind == "f" else flat

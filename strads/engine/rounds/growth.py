"""Give an axis a new size while a run goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping

from strads.engine.fields import Variable
from strads.engine.memory import needs
from strads.engine.memory.layout import show
from strads.engine.memory.needs import check_memory
from strads.engine.memory.sizes import capacity, shape_of
from strads.engine.memory.store import Store
from strads.engine.partition import Partition
from strads.engine.program.costs import axis_costs
from strads.engine.program.program import Program

NONE: Mapping[str, int] = {}


class Growth:
    """The sizes of a program's axes and of its arrays in the store.

    Parameters
    ----------
    program : Program
        Laid out in `store`.
    store : Store
    workers : int
    """

    def __init__(self, program: Program, store: Store, workers: int) -> None:
        self.program = program
        self.store = store
        self.workers = workers
        # The largest size that each axis has had: memory up to there has been used already.
        self._largest = dict(program.size)
        self._unchecked = 0  # bytes taken by growing since free memory was last looked up

    def resize(self, axis: str, size: int, books: Mapping[str, int] = NONE) -> list[str]:
        """Give an axis a new size; return the names of the arrays that have moved in memory.

        `books` are the bytes, by name, by which the policies on the axis grow.

        Arrays move only if the axis outgrows its reserved capacity, which is then at least doubled.
        Entries of variables that become visible are zero.

        Raises
        ------
        InsufficientMemory
            If there is too little memory; the axis then keeps its size.
        """
        program = self.program
        moved: list[str] = []
        if size > capacity(program, axis):
            moved = self._enlarge(axis, max(size, 2 * capacity(program, axis)), books)
        else:
            self._demand_memory(axis, size, books)
        self._largest[axis] = max(size, self._largest[axis])
        self._clear(axis, program.size[axis], size)
        program.size[axis] = size
        return moved

    def _demand_memory(self, axis: str, size: int, books: Mapping[str, int]) -> None:
        """Check that there is memory for growing within the reserved capacity.

        A program may grow in every epoch, and looking up how much memory is free takes long: this
        is done only once for every few MiB.
        """
        grown = needs.growth(self.program, axis, self._largest[axis], size, self.workers)
        more = {name: size for name, size in grown.items() if not self.store.in_file(name)}
        more |= books
        self._unchecked += sum(more.values())
        if self._unchecked >= needs.UNCHECKED:
            check_memory(more, reserved=self.store.allocator.shared)
            self._unchecked = 0

    def _enlarge(self, axis: str, reserved: int, books: Mapping[str, int]) -> list[str]:
        """Move all arrays of an axis to places with capacity for `reserved` ids; return names."""
        program, arrays = self.program, self.store.arrays
        before = program.reserve.get(axis, 0)
        program.reserve[axis] = reserved
        shapes = {
            name: shape_of(program, field, self.workers)
            for name, field in needs.growing(program, axis).items()
        }
        try:
            needed = {
                name: math.prod(s) * arrays[name].itemsize
                for name, s in shapes.items()
                if not self.store.in_file(name)
            }
            check_memory({**needed, **books})
        except BaseException:
            program.reserve[axis] = before
            raise
        for name, shape in shapes.items():
            self.store.resize(name, shape)
        show(program, self.store)
        return list(shapes)

    def _clear(self, axis: str, old: int, new: int) -> None:
        """Zero variables at the ids from `old` to `new`: their memory may have been used before.

        Derived entries are left undefined until the program computes them, which it must do
        anyway: zeroing a large derived array would touch all of its pages once more.
        """
        for name, field in self.program.fields().items():
            if axis not in field.axes or not isinstance(field, Variable):
                continue
            array = self.store.arrays[name]
            first = 1 if field.replicated else 0
            used = [slice(None)] * first
            used += [slice(0, new if a == axis else self.program.size[a]) for a in field.axes]
            for dimension, of in enumerate(field.axes):
                if of == axis and new > old:
                    at = list(used)
                    at[first + dimension] = slice(old, new)
                    array[tuple(at)] = 0

    def cut(self, axis: str, *, align: int) -> Partition:
        """Cut an axis anew: into parts of equal cost where costs are known, else of equal size."""
        costs = axis_costs(self.program, axis, self.store.arrays)
        if costs is None:
            return Partition.contiguous(self.program.size[axis], self.workers, align=align)
        return Partition.balanced(costs, self.workers, align=align)

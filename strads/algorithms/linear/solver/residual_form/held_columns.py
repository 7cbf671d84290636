"""A working set with a compact copy of its members' columns, for sweeps in residual form.

A Gram matrix has an entry for every pair of members, and a move in Gram form visits all members; a
move in residual form visits the entries of one column. Which form a working set uses depends on
counts alone: see :func:`outgrown`. It begins in Gram form and may change to residual form, never
back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from strads.algorithms.linear.solver.members.merged_columns import MergedColumns
from strads.algorithms.linear.solver.members.parallel_columns import column_lengths
from strads.algorithms.linear.solver.residual_form.sweeps import push_hold, push_rescore, push_sweep
from strads.engine import Phase, ProgramError, control, derived

#: With fewer members than this, a Gram matrix is small, whatever the columns are.
FEW: Final = 256
#: A working set has outgrown its Gram matrix once it has more than this many members for each entry
#: of its mean column. Building a row of G and walking it in a dozen moves costs some 10 ns a
#: member; sweeps visit a column a hundred times, at 2 ns an entry, so by these alone the costs are
#: equal at about 20. The limit is below, because only the residual form has steps on the support:
#: of nine fits of three texts and drug data, with one worker and two, a limit of 8 took 0.78 of the
#: time of 64 in the geometric mean (0.46 to 1.15), one of 2 as long; a path of 100
#: penalties (BASEHOCK) takes 1.8 s instead of 10.3.
RATIO: Final = 8
#: Row numbers of the copied columns are stored in 32 bits.
MOST_ROWS: Final = 2**31 - 1
#: Number of entries for which memory is reserved; pages are touched only as the set grows.
CAPACITY: Final = 1 << 22

HELD = ("held_start", "held_end", "held_row", "held_value")
SWEEPING: Mapping[str, Phase] = {
    "hold": Phase(push=push_hold, frozen=("mean", "members", "held_start")),
    "sweep": Phase(push=push_sweep, frozen=(*HELD, "factor", "held_norm2", "held_mean")),
    "rescore": Phase(push=push_rescore, frozen=(*HELD, "r")),
}


def outgrown(members: int, entries: int) -> bool:
    """Return whether residual form is better for so many members with so many entries in all."""
    return members >= FEW and members * members > RATIO * entries


class HeldColumns(MergedColumns):
    """Base of programs that may change from Gram form to residual form.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    form : {"gram", "residual"}, optional
        None: :func:`outgrown` decides. Dense columns always have the Gram form.
    **given
        See :class:`~strads.algorithms.linear.solver.members.merged_columns.MergedColumns`.

    Raises
    ------
    ProgramError
        If `form` is unknown, or "residual" for dense X.
    """

    r = derived("rows")  # residual of the centred problem
    held_start = derived("chosen", dtype=np.int64, returned=False)
    held_end = derived("chosen", dtype=np.int64, returned=False)
    held_row = derived("held", dtype=np.int32, returned=False)
    held_value = derived("held", returned=False)
    held_norm2 = derived("chosen", returned=False)  # squared norms of the members' centred columns
    held_mean = derived("chosen", returned=False)  # means of the members' columns
    rest = derived("rows", replicated=True, returned=False)
    moving = derived("chosen", replicated=True, returned=False)  # weights of the members
    listed = derived("chosen", dtype=np.int64, replicated=True, returned=False)
    moved = derived("chosen", replicated=True, returned=False)
    report = derived("words", replicated=True, returned=False)
    visits = control(0)  # largest number of visits of members in the next stage
    sweeps = control(0)  # largest number of sweeps over all members in the next stage

    def __init__(self, *, X: Any, form: str | None = None, **given: Any) -> None:
        super().__init__(X=X, held=0, **given)
        if form not in (None, "gram", "residual") or (form == "residual" and not self.sparse):
            raise ProgramError(
                f"form={form!r} must be None, 'gram', or, only for sparse X, 'residual'"
            )
        if self.sparse:
            self.reserve["held"] = max(min(X.nnz, CAPACITY), 1)
        self.form = form
        self.in_residual_form = False
        self.held = 0  # number of members whose columns have been copied

    def join(self, added: np.ndarray) -> None:
        """Take ids into the working set, which may then change to residual form."""
        super().join(added)
        if self.form is not None:
            self.in_residual_form = self.form == "residual"
        elif self.sparse and self.size["rows"] <= MOST_ROWS and not self.in_residual_form:
            entries = int(column_lengths(self.X, self.used("members")).sum())
            self.in_residual_form = self.outgrown(entries)

    def empty(self) -> None:
        """Take all members out, with the weights that they have."""
        super().empty()
        self.held, self.in_residual_form = 0, False

    def outgrown(self, entries: int) -> bool:
        """Whether residual form is better for the members, which have so many entries in all."""
        return outgrown(self.count, entries)

    def hold(self) -> Iterator[str]:
        """Copy the columns of the new members."""
        first, total = self.held, self.count
        if first == total:
            return
        lengths = column_lengths(self.X, self.members[first:total])
        ends = np.cumsum(lengths) + (self.held_end[first - 1] if first else 0)
        self.held_start[first:total], self.held_end[first:total] = ends - lengths, ends
        self.grow("held", max(int(ends[-1]), 1))
        self.fresh, self.until = first, total
        yield "hold"
        self.held = total
        self.held_norm2[:total][self.resting] = 0.0

"""A working set whose columns are held together, for sweeps in residual form.

A Gram matrix has an entry for every pair of members, and a move in Gram form looks at all members;
in residual form it looks at one column. Which form a working set gets follows from counts alone:
see :func:`outgrown`. It begins in Gram form and, once it has outgrown that, never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from strads.algorithms.lasso.solver.sweeps import push_hold, push_rescore, push_sweep
from strads.algorithms.lasso.solver.working_set import WorkingSet
from strads.engine import Phase, ProgramError, control, derived

#: Members below which a Gram matrix is small, whatever the columns are.
FEW: Final = 1024
#: A working set has outgrown its Gram matrix at this many members for an entry of their mean
#: column. To build a row of G and to walk it in a dozen moves costs some 10 ns a member; sweeps
#: look at a column a hundred times, at 2 ns an entry. They meet at about 20: well beyond it, since
#: rounds in Gram form have all workers at work.
RATIO: Final = 64
#: Row numbers are held in 32 bits.
MOST_ROWS: Final = 2**31 - 1
#: Entries that memory is reserved for; touched as the set grows.
ROOM: Final = 1 << 22

_HELD = ("held_start", "held_end", "held_row", "held_value")
SWEEPING: Mapping[str, Phase] = {
    "hold": Phase(push=push_hold, frozen=("mean", "members", "held_start")),
    "sweep": Phase(push=push_sweep, frozen=(*_HELD, "bend", "slant")),
    "rescore": Phase(push=push_rescore, frozen=(*_HELD, "r")),
}


def outgrown(members: int, entries: int) -> bool:
    """Whether so many members, with so many entries in all, are better off in residual form."""
    return members >= FEW and members * members > RATIO * entries


class HeldColumns(WorkingSet):
    """Base of programs that may leave the Gram form.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    form : {"gram", "residual"}, optional
        None: decided by counts. Dense columns have the Gram form.
    **given
        As for any program.
    """

    r = derived("rows")  # residual of the centred problem
    held_start = derived("chosen", dtype=np.int64, returned=False)
    held_end = derived("chosen", dtype=np.int64, returned=False)
    held_row = derived("held", dtype=np.int32, returned=False)
    held_value = derived("held", returned=False)
    bend = derived("chosen", returned=False)  # squared norms of the members' centred columns
    slant = derived("chosen", returned=False)  # their means
    rest = derived("rows", replicated=True, returned=False)
    moving = derived("chosen", replicated=True, returned=False)  # weights of the members
    report = derived("words", replicated=True, returned=False)
    sweeps = control(0)  # at most

    def __init__(self, *, X: Any, form: str | None = None, **given: Any) -> None:
        super().__init__(X=X, held=0, **given)
        if form not in (None, "gram", "residual") or (form == "residual" and not self.sparse):
            raise ProgramError(f"form={form!r}: 'gram', for sparse data also 'residual', or None")
        if self.sparse:
            self.reserve["held"] = max(min(X.nnz, ROOM), 1)
        self.form = form
        self.in_residual_form = False
        self.held = 0  # members whose columns are

    def join(self, added: np.ndarray) -> None:
        """Take ids into the working set, which may outgrow its Gram matrix by that."""
        super().join(added)
        if self.form is not None:
            self.in_residual_form = self.form == "residual"
        elif self.sparse and self.size["rows"] <= MOST_ROWS and not self.in_residual_form:
            entries = int(self._lengths(self.used("members")).sum())
            self.in_residual_form = outgrown(self.count, entries)

    def _lengths(self, ids: np.ndarray) -> np.ndarray:
        lengths: np.ndarray = self.X.indptr[ids + 1].astype(np.int64) - self.X.indptr[ids]
        return lengths

    def hold(self) -> Iterator[str]:
        """Copy the columns of the new members."""
        first, total = self.held, self.count
        if first == total:
            return
        lengths = self._lengths(self.members[first:total])
        ends = np.cumsum(lengths) + (self.held_end[first - 1] if first else 0)
        self.held_start[first:total], self.held_end[first:total] = ends - lengths, ends
        self.grow("held", max(int(ends[-1]), 1))
        self.fresh, self.until = first, total
        yield "hold"
        self.held = total

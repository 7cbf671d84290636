"""The next candidate for a place in a lease, by whatever kind of book the policy keeps."""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from strads.kernels.scheduling.clearance import kind_of
from strads.kernels.scheduling.draws import draw
from strads.kernels.scheduling.frequencies import begin_sweeps, next_visit
from strads.kernels.scheduling.groups import renew_groups
from strads.kernels.scheduling.lists import next_listed, renew
from strads.kernels.scheduling.plans import begin_plans

INLINED = {"forceinline": True}
#: What returns the next id of a worker, by the kind of the book; from others it is drawn.
_NEXT = {"ListBook": next_listed, "FrequencyBook": next_visit, "PlanBook": next_visit}


def candidate(book: Any, p: int) -> int:
    """Return worker `p`'s next id; -1 if it has none."""
    found: int = _NEXT.get(kind_of(book), draw)(book, p)
    return found


@overload(candidate, jit_options=INLINED)
def _candidate(book, p):  # type: ignore[no-untyped-def]
    if kind_of(book) == "ListBook":
        return lambda book, p: next_listed(book, p)
    if kind_of(book) in ("FrequencyBook", "PlanBook"):
        return lambda book, p: next_visit(book, p)
    return lambda book, p: draw(book, p)


def begin_lease(book: Any) -> None:
    """Begin the next sweep of every worker whose sweep over a list, or over all ids, is over."""
    if kind_of(book) == "ListBook":
        renew(book)
    elif kind_of(book) == "GroupBook":
        renew_groups(book)
    elif kind_of(book) == "FrequencyBook":
        begin_sweeps(book)
    elif kind_of(book) == "PlanBook":
        begin_plans(book)


@overload(begin_lease)
def _begin_lease(book):  # type: ignore[no-untyped-def]
    if kind_of(book) == "ListBook":
        return lambda book: renew(book)
    if kind_of(book) == "GroupBook":
        return lambda book: renew_groups(book)
    if kind_of(book) == "FrequencyBook":
        return lambda book: begin_sweeps(book)
    if kind_of(book) == "PlanBook":
        return lambda book: begin_plans(book)
    return lambda book: None

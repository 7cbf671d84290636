"""Local fields: what their declaration demands, and pages that are given back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from strads import Program, Rotation, data, derived, kernel, variable
from strads.engine.errors import ProgramError
from strads.engine.mpi.homes import _demand_no_costs, _release
from strads.engine.mpi.plan import plan_of
from strads.engine.platform import LINUX
from strads.engine.rounds.stages import make_stages


class Moved(Program):
    """A local field on an axis whose ids move from worker to worker."""

    label = data("ids")
    x = variable("ids", local=True)
    schedule = Rotation("ids")
    costs = {"ids": "x"}

    @kernel
    def push(block, x):
        for j in block:
            x[j] += 1.0


@pytest.mark.skipif(not LINUX, reason="pages are given back on Linux only")
def test_pages_within_a_range_become_zeros() -> None:
    array = np.ones(1 << 16)
    first = array.__array_interface__["data"][0]
    _release(first + 8 * 1000, 8 * 50_000)
    assert array[:1000].all()
    assert array[51_000:].all()
    kept = np.count_nonzero(array[1000:51_000])
    assert kept < 2 * 4096 // 8  # parts of pages at both ends


def test_a_local_field_cannot_move() -> None:
    program = Moved(label=np.zeros(8))
    stage = make_stages(program)["main"]
    with pytest.raises(ProgramError, match="declares x local, but the schedule of phase 'main'"):
        plan_of(program, stage, moves_holders=True)
    assert plan_of(program, stage, moves_holders=False).own == ()


def test_costs_cannot_lie_on_several_ranks() -> None:
    with pytest.raises(ProgramError, match="costs of axis 'ids' from 'x', which is local"):
        _demand_no_costs(Moved(label=np.zeros(8)), ["x"])


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (lambda: derived("ids", local=True, replicated=True), "choose one"),
        (lambda: data("ids", "more", layout="csr", local=True), "map of its files"),
    ],
)
def test_what_cannot_be_local_is_refused(declare: Any, says: str) -> None:
    with pytest.raises(ProgramError, match=says):
        declare()

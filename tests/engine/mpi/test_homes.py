"""Local fields: what their declaration demands, and pages that are given back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from programs import assert_same_bits
from ranked import AtHome

from strads import Program, Rotation, RoundRobin, control, data, derived, kernel, run, variable
from strads.engine.errors import ProgramError
from strads.engine.mpi.homes import _demand_no_costs, _release
from strads.engine.mpi.plan import plan_of
from strads.engine.platform import LINUX
from strads.engine.rounds.stages import make_stages

#: What a kernel does that it must not.
READS, READS_DATA, WRITES, MEASURES = range(1, 5)


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


class Strays(Program):
    """Touches entries of other workers, in one of several ways; no order of the workers matters."""

    z = data("ids", dtype=np.int32, local=True)
    x = variable("ids", local=True)
    y = variable("ids", local=True)
    how = control(0)
    schedule = RoundRobin("ids", lease=8)

    def setup(self, rng: np.random.Generator) -> None:
        self.z[:], self.y[:] = np.arange(self.size["ids"]), 1.0

    @kernel
    def push(block, x, y, z, how):
        for j in block:
            other = len(x) - 1 - j
            if how == READS:
                x[j] = y[other]
            elif how == READS_DATA:
                x[j] = z[other]
            elif how == WRITES:
                y[other] = 2.0
            else:
                x[j] += y[j] + z[j]

    @kernel
    def measure(ids, y, how):
        n, found = len(y), 0.0
        for j in range(ids[0], ids[1]):
            found += y[n - 1 - j] if how == MEASURES else y[j]
        return found

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"found": float(parts.sum())}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (READS, r"declares y local, but in phase 'main', round 0 a worker reads"),
        (READS_DATA, r"declares z local, .* reads"),
        (WRITES, r"declares y local, .* writes"),
        (MEASURES, r"declares y local, but in measure a worker reads"),
    ],
)
def test_the_race_check_finds_kernels_that_stray(how: int, says: str) -> None:
    with pytest.raises(ProgramError, match=says):
        run(Strays(ids=64, how=how), workers=2, epochs=1, check=True)


def test_the_race_check_changes_no_bits() -> None:
    for program in (Strays(ids=64), AtHome(label=np.zeros(40), two=2, one=1)):
        plain, checked = (
            run(program, workers=2, epochs=2, executor="serial", check=check, align=False)
            for check in (False, True)
        )
        assert_same_bits(checked, plain)


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

"""Phases that share a kernel: `where` says what its parameters stand for in each."""

from __future__ import annotations

import numpy as np
import pytest
from processes import nothing_left

from strads import Engine, Phase, Program, RoundRobin, data, derived, kernel, outbox, run, variable
from strads.engine.errors import ProgramError
from strads.engine.rounds.stages import make_stages

SIDES = {
    "rows": {"lines": "rows", "A": "R", "level": "x", "sent": "of_row", "total": "row_total"},
    "cols": {"lines": "cols", "A": "C", "level": "y", "sent": "of_col", "total": "col_total"},
}


class Levels(Program):
    """Adds the sums of a table's rows, and of its columns, to the levels of both."""

    R = data("rows", "cols")
    C = data("cols", "rows")
    x = variable("rows")
    y = variable("cols")
    of_row = outbox("block")
    of_col = outbox("block")
    row_total = derived("one", replicated=True)
    col_total = derived("one", replicated=True)
    phases = {
        side: Phase(pull="pull", schedule=RoundRobin(side, lease=2), where=where)
        for side, where in SIDES.items()
    }

    @kernel
    def push(block, A, level, sent):
        for n, j in enumerate(block):
            sent[n] = A[j].sum()
            level[j] += sent[n]

    @kernel
    def pull(block, sent, total):
        for n in range(len(block)):
            total[0] += sent[n]


TABLE = np.arange(15.0).reshape(5, 3)


@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_each_phase_gets_its_own_fields(executor: str) -> None:
    with nothing_left(), Engine(2) as engine:
        program = Levels(R=TABLE, C=TABLE.T.copy(), one=1)
        state = engine.run(program, epochs=2, executor=executor).state
    np.testing.assert_array_equal(state["x"], 2 * TABLE.sum(axis=1))
    np.testing.assert_array_equal(state["y"], 2 * TABLE.sum(axis=0))
    assert state["row_total"].ravel()[0] == state["col_total"].ravel()[0] == 2 * TABLE.sum()


class Bare(Levels):
    phases = {
        side: Phase(schedule=RoundRobin(side, lease=2), where=where)
        for side, where in SIDES.items()
    }


def test_both_phases_have_the_same_code() -> None:
    rows, cols = (make_stages(Bare(R=TABLE, C=TABLE.T.copy(), one=1))[side] for side in SIDES)
    assert rows.source.replace("loop_rows", "loop_cols") == cols.source
    assert (rows.fields, cols.fields) == (("R", "x"), ("C", "y"))
    assert (rows.outboxes, cols.outboxes) == (("of_row",), ("of_col",))


class Unknown(Levels):
    phases = {"rows": Phase(schedule=RoundRobin("rows"), where={**SIDES["rows"], "A": "S"})}


class Reserved(Levels):
    phases = {"rows": Phase(schedule=RoundRobin("rows"), where={"block": "x"})}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (Unknown, r"'push' of Unknown asks for 'S' \(as 'A'\), which is neither a declared field"),
        (Reserved, "where of phase 'rows' says what 'block' stands for, which is always the"),
    ],
)
def test_what_a_phase_cannot_have_is_refused(program: type[Levels], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        run(program(R=TABLE, C=TABLE.T.copy(), one=1), workers=1, epochs=1)

"""Data may be given in several forms: all parts of a run see the same converted data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import nothing_left
from programs import Counting, assert_same_bits, counting

from strads import Engine, Program, Rotation, RoundRobin, control, data, kernel, run, variable
from strads.engine.errors import ProgramError

WORKERS = 3


class Visiting(Program):
    """Counts the updates of every column, and adds up its entries."""

    A = data("rows", "cols", layout="csc")
    visits = variable("cols")
    total = variable("cols")
    schedule = Rotation("cols", slices=5)

    @kernel
    def push(block, A, visits, total):
        for j in block:
            visits[j] += 1.0
            total[j] = 0.0
            for k in range(A.indptr[j], A.indptr[j + 1]):
                total[j] += A.data[k]


class InTurn(Visiting):
    schedule = RoundRobin("cols", lease=7)


FORMS = ["csc", "csr", "coo", "lil", "dok", "bsr"]


def visited(program: type[Program], A: Any, **options: Any) -> Any:
    return run(program(A=A), workers=WORKERS, executor="serial", epochs=1, **options)


@settings(max_examples=12)
@given(
    form=st.sampled_from(FORMS),
    shape=st.sampled_from([(50, 400), (400, 50), (1, 90), (90, 1)]),
    owned=st.booleans(),
    program=st.sampled_from([Visiting, InTurn]),
)
def test_every_sparse_format_is_visited_like_the_declared_one(
    form: str, shape: tuple[int, int], owned: bool, program: type[Program]
) -> None:
    A = sp.random_array(shape, density=0.1, format="csc", random_state=np.random.default_rng(0))
    cut = {"cols": np.arange(shape[1]) % WORKERS} if owned else None
    results = [visited(program, matrix, partition=cut) for matrix in (A, A.asformat(form))]
    assert_same_bits(*results)
    every = WORKERS if program is Visiting else 1
    np.testing.assert_array_equal(results[0].state["visits"], np.full(shape[1], every))
    np.testing.assert_allclose(results[0].state["total"], A.sum(axis=0))


@pytest.mark.processes
def test_processes_see_the_converted_matrix_too() -> None:
    A = sp.random_array((50, 400), density=0.1, format="coo", random_state=np.random.default_rng(1))
    with nothing_left(), Engine(WORKERS) as engine:
        results = [
            engine.run(Visiting(A=A), executor=executor, epochs=1)
            for executor in ("serial", "processes")
        ]
    assert_same_bits(*results)


class Costly(Visiting):
    """Takes costs from a variable that is given."""

    costs = {"cols": "total"}


def test_costs_may_stand_in_a_given_field() -> None:
    A, prices = sp.eye_array(64, format="csc"), np.r_[np.full(32, 3.0), np.ones(32)]
    owners = np.arange(64) % WORKERS
    for cut in (None, {"cols": owners}):
        program = Costly(A=A, total=prices)
        found = run(program, workers=WORKERS, executor="serial", epochs=1, partition=cut)
        np.testing.assert_array_equal(found.state["visits"], np.full(64, WORKERS))
    with pytest.raises(ProgramError, match="costs of axis 'cols' from 'total', which is not given"):
        visited(Costly, A)


class Plain(Visiting):
    A = data("rows", "cols")


@pytest.mark.parametrize(
    ("program", "A", "message"),
    [
        (Plain, sp.eye_array(4), "sparse matrix but declared without a layout"),
        (Visiting, np.zeros(4), "two-dimensional"),
        (Visiting, sp.coo_array(np.ones(4)), "of shape .* a matrix is needed"),
    ],
)
def test_what_cannot_be_converted_is_named(program: Any, A: Any, message: str) -> None:
    with pytest.raises(ProgramError, match=f"^A .*{message}"):
        visited(program, A)


# -- values that do not fit --------------------------------------------------------------------


class Stepping(Counting):
    """Has a control of whole numbers, one of float32, and one of three numbers."""

    step = control(1)
    rate = control(np.float32(0.5))
    three = control(np.zeros(3))
    kinds = data("ids", dtype=np.int8)
    level = variable("ids", dtype=np.int32)

    @kernel
    def push(block, x, step, three):
        for j in block:
            x[j] += step + three[2]

    def epoch(self, history: Any) -> None:
        self.step = self.next_step


def stepping(next_step: Any = 1, **given: Any) -> Any:
    given = {"label": np.zeros(6), "kinds": np.zeros(6), **given}
    program = Stepping(**given)
    program.next_step = next_step
    return run(program, workers=1, epochs=2)


def test_values_that_fit_are_taken_exactly() -> None:
    found = stepping(next_step=True, step=3.0, rate=0.1, three=[0, 0, 0.5], level=np.ones(6)).state
    np.testing.assert_array_equal(found["x"], np.full(6, 5.0))
    assert found["rate"] == np.float32(0.1) and found["step"].dtype == np.int64
    assert stepping(step=np.uint8(2), three=1).state["x"][0] == 5.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"step": 0.5}, r"step [(]control, int64[)] cannot be 0.5; .* step = control\(0.5\)"),
        ({"step": np.nan}, r"step [(]control, int64[)] cannot be nan"),
        ({"step": 2**63}, r"step [(]control, int64[)] cannot"),
        ({"step": "two"}, r"step [(]control, int64[)] cannot be 'two'"),
        ({"rate": 1e300}, r"rate [(]control, float32[)] cannot be 1e[+]300; .*float64"),
        ({"rate": 1j}, r"rate [(]control, float32[)] cannot"),
        ({"three": [1.0, 2.0]}, r"three is a control of shape \(3,\) .* of shape \(2,\)"),
        ({"next_step": 1.5}, r"step [(]control, int64[)] cannot be 1.5"),
        ({"kinds": np.full(6, 0.5)}, r"kinds [(]data, int8[)] cannot be 0.5"),
        ({"kinds": np.full(6, 300)}, r"kinds [(]data, int8[)] cannot be 300"),
        ({"level": np.full(6, 0.25)}, r"level [(]variable, int32[)] cannot be 0.25"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(given: Any, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        stepping(**given)


def test_a_control_has_its_place_during_a_run_only() -> None:
    program = Stepping(label=np.zeros(3), kinds=np.zeros(3))
    with pytest.raises(ProgramError, match=r"give its first value as Stepping\(step=…\)"):
        program.step = 2
    with pytest.raises(ProgramError, match="x is a declared variable, which has an array during"):
        program.x


# -- a program that ran before -----------------------------------------------------------------


class Stopping(Counting):
    def epoch(self, history: Any) -> None:
        if len(history) == 3:
            self.stop("enough")


def test_a_program_that_stopped_runs_as_long_again() -> None:
    program = counting(Stopping)
    results = [run(program, workers=1, epochs=9) for _ in range(2)]
    assert_same_bits(*results)
    assert results[1].status == "enough" and len(results[1].history) == 3

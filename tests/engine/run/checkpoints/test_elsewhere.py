"""A run resumes from the checkpoint of a run that had another number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from programs import MF, NNLS, Counting, counting, nnls_problem, ratings

from strads import Program, derived, iterate, kernel, run, uniform, variable
from strads.engine import ProgramError


def saved(program: Program, path: Path, steps: int, **options: Any) -> Path:
    """Save a run after some steps, and return the file."""
    with iterate(program, executor="serial", **options) as run_:
        for step in run_:
            if step.epoch == steps:
                break
        run_.save(path / "saved.ckpt")
    return path / "saved.ckpt"


@pytest.mark.parametrize(("before", "now"), [(3, 2), (1, 3), (4, 1)])
def test_the_optimum_is_the_same(tmp_path: Path, before: int, now: int) -> None:
    problem = nnls_problem()
    whole = run(NNLS(**problem), workers=1, tol=1e-9, epochs=2000)
    file = saved(NNLS(**problem), tmp_path, 5, workers=before)
    result = run(
        NNLS(**problem), workers=now, executor="serial", tol=1e-9, epochs=2000, resume_from=file
    )
    assert result.status == "converged"
    assert len(result.history) > 5
    np.testing.assert_allclose(result.state["w"], whole.state["w"], atol=1e-7)


def test_ids_in_another_order_find_their_places(tmp_path: Path) -> None:
    owners = np.arange(48) % 3
    program = counting()
    file = saved(program, tmp_path, 2, workers=3, partition={"ids": owners})
    with iterate(counting(), workers=2, executor="serial", epochs=3, resume_from=file) as steps:
        state = steps.program.state["x"].copy()
        np.testing.assert_array_equal(state, np.full(48, 2.0))
        steps.program.state["x"][:] = np.arange(48.0)
        steps.save(tmp_path / "again.ckpt")
    again = run(
        counting(), workers=3, executor="serial", epochs=2, resume_from=tmp_path / "again.ckpt",
        partition={"ids": owners},
    )  # fmt: skip
    np.testing.assert_array_equal(again.state["x"], np.arange(48.0))


def test_a_program_without_derived_arrays_needs_nothing(tmp_path: Path) -> None:
    R = ratings()
    file = saved(MF(R=R, rank=3), tmp_path, 20, workers=2)
    result = run(MF(R=R, rank=3), workers=3, executor="serial", epochs=60, resume_from=file)
    whole = run(MF(R=R, rank=3), workers=3, executor="serial", epochs=60)

    def error(state: Any) -> float:
        return float(np.abs((state["W"] @ state["H"].T)[R.nonzero()] - R.data).mean())

    assert error(result.state) < 1.5 * error(whole.state) + 1e-3


class ForTheCrew(Counting):
    """Has a variable for each worker."""

    own = variable("crew")


class Unexplained(Counting):
    """Has a derived array that nobody computes."""

    doubled = derived("ids")

    @kernel
    def push(block, x, doubled):
        for j in block:
            x[j] += 1.0
            doubled[j] = 2.0 * x[j]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: ForTheCrew(label=np.zeros(48), crew=n), "own is float64 of shape"),
        (lambda n: Unexplained(label=np.zeros(48)), "neither recover nor rebuild"),
    ],
)
def test_what_cannot_be_carried_over_is_named(tmp_path: Path, make: Any, message: str) -> None:
    file = saved(make(3), tmp_path, 1, workers=3)
    with pytest.raises(ProgramError, match=message):
        run(make(2), workers=2, executor="serial", resume_from=file)


def test_other_data_are_still_refused(tmp_path: Path) -> None:
    problem = nnls_problem()
    file = saved(NNLS(**problem), tmp_path, 2, workers=3)
    with pytest.raises(ProgramError, match="data 'b' is not what it was"):
        run(NNLS(**{**problem, "b": 2.0 * problem["b"]}), workers=2, resume_from=file)


def test_random_keys_do_not_come_twice(tmp_path: Path) -> None:
    class Drawing(Counting):
        @kernel
        def push(block, x, key):
            for j in block:
                x[j] = uniform(key, 0)

    hooks = [lambda step: drawn.append(float(steps.program.state["x"][0]))]
    drawn: list[float] = []
    with iterate(
        counting(Drawing), workers=2, executor="serial", epochs=3, instruments=hooks
    ) as steps:
        for _ in steps:
            pass
        steps.save(tmp_path / "saved.ckpt")
    with iterate(
        counting(Drawing), workers=3, executor="serial", epochs=6, instruments=hooks,
        resume_from=tmp_path / "saved.ckpt",
    ) as steps:  # fmt: skip
        for _ in steps:
            pass
    assert len(drawn) == len(set(drawn)) == 6

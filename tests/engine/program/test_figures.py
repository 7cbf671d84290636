"""Figures, tolerances and measures: when they are made, and which declarations are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from processes import nothing_left
from programs import IDS, NNLS, Counting, assert_same_bits, counting, nnls_problem

from strads import Engine, Program, RoundRobin, kernel, run, variable
from strads.engine.errors import NotFiniteError, ProgramError, RaceError

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
WORKERS = 2


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(WORKERS) as made:
        yield made


class Bare(Program):
    x = variable("ids")
    schedule = RoundRobin("ids")

    @kernel
    def push(block, x):
        for j in block:
            x[j] += 1.0


class Unread(Bare):
    measure = Counting.measure


class UnreadToo(Unread):
    def progress(self) -> dict[str, float]:
        return {"total": 1.0}


class Unmeasured(Bare):
    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"certificate": parts.sum()}


class Number(Bare):
    made: Any = 0.5

    def progress(self) -> Any:
        return self.made


class Text(Number):
    made = {"name": "x"}


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        (Unread, {}, r"Unread has a kernel measure, but no progress\(self, parts\)"),
        (UnreadToo, {}, r"UnreadToo has a kernel measure, but no progress\(self, parts\)"),
        (Unmeasured, {}, r"Unmeasured.progress\(self, parts\) takes what the kernel measure ret"),
        (Number, {}, r"Number.progress returned 0.5; it must return figures by name"),
        (Text, {}, "Text.progress: the figure 'name' is 'x', not a number"),
        (Bare, {"tol": 1e-3}, "tol=0.001 bounds figures\\['certificate'\\], but Bare makes no"),
        (Counting, {"tol": 0.5}, "Counting.progress does not make .its figures: total"),
        (Counting, {"tol": np.nan}, "tol=nan must be a number"),
        (Counting, {"measure_every": 0}, "measure_every=0 must be a whole number"),
        (Counting, {"measure_every": 1.5}, "measure_every=1.5 must be a whole number"),
    ],
)
def test_figures_that_make_no_sense(program: Any, options: Any, message: str) -> None:
    given = {"label": np.zeros(4)} if issubclass(program, Counting) else {"ids": 4}
    with pytest.raises(ProgramError, match=message):
        run(program(**given), workers=1, epochs=3, **options)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (NNLS, r"an instance of NNLS, not the class: run\(NNLS\(A=…, G=…, b=…, sq=…\), …\)"),
        (42, "a run needs a Program, not 42"),
    ],
)
def test_what_is_no_program(program: Any, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        run(program)


class Leaders(Bare):
    """Makes figures in the leader, without a measure."""

    def progress(self) -> dict[str, float]:
        return {"certificate": 10.0 - self.x[0]}


def test_figures_of_the_leader_alone_need_no_measure() -> None:
    assert run(Leaders(ids=3), workers=1, tol=7.0, epochs=9).status == "converged"
    assert run(Leaders(ids=3), workers=1, epochs=3).history[-1] == {"certificate": 7.0}


# -- a measure every k steps --------------------------------------------------------------------


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_measure_every_third_step_finds_the_same(
    engine: Engine, executor: str, tmp_path: Any
) -> None:
    options: Any = {"tol": 1e-6, "executor": executor}
    often = engine.run(NNLS(**nnls_problem()), epochs=500, **options)
    seldom = engine.run(NNLS(**nnls_problem()), epochs=500, measure_every=3, **options)
    assert often.status == seldom.status == "converged"
    assert -(-len(often.history) // 3) * 3 == len(seldom.history)
    for number, figures in enumerate(seldom.history[: len(often.history)], start=1):
        assert figures == (often.history[number - 1] if number % 3 == 0 else {})
    # A run that is interrupted between two measures continues as if nothing had happened.
    path = tmp_path / "seldom.npz"
    with engine.iterate(NNLS(**nnls_problem()), epochs=4, measure_every=3, **options) as steps:
        assert [bool(step.figures) for step in steps] == [False, False, True, False]
        steps.save(path)
        assert steps.result().figures["certificate"] == often.history[3]["certificate"]
    resumed = engine.run(
        NNLS(**nnls_problem()), epochs=500, measure_every=3, resume_from=path, **options
    )
    assert_same_bits(resumed, seldom)


class Seldom(Counting):
    measure_every = 4

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"certificate": 10.0 - parts.sum() / IDS}


def test_the_last_step_is_always_measured() -> None:
    done = run(counting(Seldom), workers=1, epochs=6)
    assert done.figures == {"certificate": 4.0} and done.status == "epochs"
    assert [len(figures) for figures in done.history] == [0, 0, 0, 1, 0, 1]
    assert run(counting(Seldom), workers=1, epochs=6, tol=4.0).status == "converged"
    stopped = run(counting(Seldom), workers=1, epochs=9, instruments=lambda s: s.epoch == 2)
    assert stopped.figures == {"certificate": 8.0}


def test_what_is_not_finite_is_noticed_at_the_next_measure() -> None:
    program = counting(Seldom)
    seen: list[int] = []

    def poison(step: Any) -> None:
        seen.append(step.epoch)
        program.x[3] = np.nan

    with pytest.raises(NotFiniteError, match=r"x\[3\]"):
        run(program, workers=1, epochs=9, instruments=poison)
    assert seen == [1, 2, 3]


# -- cuts that are not rounded to cache lines --------------------------------------------------


class Neighbours(Bare):
    """Every push reads the entry of the next id, which another worker may write."""

    @kernel
    def push(block, x):
        for j in block:
            x[j] += 1.0 + (0.5 * x[j + 1] if j + 1 < x.size else 0.0)


def test_the_race_check_deals_small_axes_to_all_workers(engine: Engine) -> None:
    engine.run(Neighbours(ids=6), epochs=1, executor="serial")  # one worker holds all ids
    with pytest.raises(RaceError, match=r"x\[2\]"):
        engine.run(Neighbours(ids=6), epochs=1, check=True)
    engine.run(Neighbours(ids=6), epochs=1, check=True, align=True)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("partition", ["contiguous", "balanced"])
def test_cuts_need_not_be_rounded(engine: Engine, executor: str, partition: str) -> None:
    with engine.iterate(
        counting(), executor=executor, align=False, partition={"ids": partition}
    ) as steps:
        assert steps.program.partitions["ids"].bounds.tolist() == [0, 24, 48]
        next(steps)
        assert steps.result().state["x"].tolist() == [1.0] * IDS
    with engine.iterate(counting(), executor=executor) as steps:
        assert steps.program.partitions["ids"].bounds.tolist() == [0, 32, 48]

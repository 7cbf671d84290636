"""Laying a program out: what memory is asked for, and what a result holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left

from strads import Engine, Program, RoundRobin, data, derived, kernel, run, scratch, variable
from strads.engine.errors import InsufficientMemory, ProgramError
from strads.engine.layout import lay_out
from strads.engine.store import Pool, Shared, Store


class Columns(Program):
    A = data("rows", "cols", layout="csc")
    x = variable("cols")
    schedule = RoundRobin("cols")

    @kernel
    def push(block, x):
        x[block] = 1.0


def lay_out_shared(A: sp.csc_array) -> None:
    """Lay a program out for worker processes, without any."""
    pool = Pool()
    program = Columns(A=A)
    lay_out(program, Store(Shared(pool)), 2, seed=0)
    program.state = {}
    pool.close()


def test_a_mapped_matrix_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    A = sp.random_array((2000, 1000), density=0.1, format="csc", rng=np.random.default_rng(0))
    parts = {"data": A.data, "indices": A.indices, "indptr": A.indptr}
    for name, part in parts.items():
        np.save(tmp_path / f"{name}.npy", part)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in parts]
    monkeypatch.setattr("strads.engine.store.available_memory", lambda: 1 << 20)
    lay_out_shared(sp.csc_array(tuple(mapped), shape=A.shape, copy=False))
    with pytest.raises(InsufficientMemory, match="A "):
        lay_out_shared(A)


class Squares(Program):
    x = variable("ids")
    square = derived("ids")
    power = derived("ids", returned=False)
    schedule = RoundRobin("ids")

    @kernel
    def push(block, x, square, power):
        for j in block:
            x[j] = j
            square[j] = x[j] ** 2
            power[j] = square[j] ** 2


def test_a_result_goes_without_what_is_not_returned() -> None:
    state = run(Squares(ids=5), workers=1, epochs=1).state
    assert state.keys() == {"x", "square"}
    assert state["square"].tolist() == [0.0, 1.0, 4.0, 9.0, 16.0]


class Unfilled(Program):
    """Data that setup should fill: floats, whole numbers, and what nobody has ids of."""

    sq = data("cols")
    kinds = data("cols", dtype=np.int8)
    none = data("nobody")
    x = variable("cols")
    schedule = RoundRobin("cols")
    how = "all"

    def setup(self, rng: np.random.Generator) -> None:
        assert "sq" in self.given or not self.sq.any()  # it begins as zeros
        if self.how == "parts":
            self.sq[:2] = [0.0, 4.0]
        elif self.how == "zeros":
            self.state["sq"][:] = 0.0
        elif self.how == "adds":
            self.state["sq"] += np.arange(5.0)
        if self.how != "whole":
            np.copyto(self.kinds, 0)

    @kernel
    def push(block, sq, kinds, x):
        for j in block:
            x[j] = np.copysign(1.0, sq[j]) + sq[j] + kinds[j]


def unfilled(how: str, **given: Any) -> Any:
    program = Unfilled(cols=5, nobody=0, **given)
    program.how = how
    return run(program, workers=1, epochs=1).state["x"].tolist()


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("parts", [1, 5, 1, 1, 1]),
        ("zeros", [1, 1, 1, 1, 1]),
        ("adds", [1, 2, 3, 4, 5]),
    ],
)
def test_setup_may_fill_data_as_it_likes(how: str, expected: list[float]) -> None:
    assert unfilled(how) == expected


def test_data_that_nobody_gives_or_fills_are_named() -> None:
    with pytest.raises(ProgramError, match=r"declares sq = data\('cols'\), which is neither given"):
        unfilled("reads alone")
    assert unfilled("reads alone", sq=np.arange(5.0)) == [1, 2, 3, 4, 5]
    with pytest.raises(ProgramError, match=r"declares kinds = data\('cols'\)"):
        unfilled("whole", sq=np.zeros(5))
    with pytest.raises(ProgramError, match=r"Columns declares A = data\('rows', 'cols'\)"):
        run(Columns(rows=2, cols=3), workers=1)


class Copies(Program):
    """Every worker tells how long its copies are, and fills them."""

    label = data("ids")
    lengths = variable("ids", "which")
    copy = derived("states", replicated=True)
    table = derived("states", "which", dtype=np.int16, replicated=True)
    work = scratch("states")
    short = scratch("which", dtype=np.int8)
    more = derived("grown", replicated=True)
    schedule = RoundRobin("ids")

    @kernel
    def push(block, copy, table, work, short, more, lengths):
        for j in block:
            lengths[j, 0], lengths[j, 1], lengths[j, 2] = copy.size, len(table), work.size
            lengths[j, 3], lengths[j, 4] = short.size, more.size
        copy[:] = 1.0
        table[:] = 1

    @kernel
    def measure(copy, table):
        return copy.sum(), float(table.size)

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        assert self.copy.shape == (2, 5) and self.table.shape == (2, 5, 5)
        return {"sum": parts[:, 0].sum(), "entries": parts[0, 1]}

    def epoch(self, history: Any) -> None:
        if len(history) == 1:
            self.grow("grown", 100)


@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_kernels_see_copies_and_scratch_as_long_as_they_are_declared(executor: str) -> None:
    with nothing_left(), Engine(2) as engine:
        program = Copies(label=np.zeros(40), states=5, which=5, grown=3)
        lengths = engine.run(program, epochs=1, executor=executor).state["lengths"]
        np.testing.assert_array_equal(lengths, np.tile([5, 5, 5, 5, 3], (40, 1)))
        found = engine.run(program, epochs=2, executor=executor)
    np.testing.assert_array_equal(found.state["lengths"], np.tile([5, 5, 5, 5, 100], (40, 1)))
    assert found.figures == {"sum": 10.0, "entries": 25.0}
    assert found.state["copy"].tolist() == [1.0] * 5 and found.state["table"].shape == (5, 5)
    assert len(found.state["more"]) == 100

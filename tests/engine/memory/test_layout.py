"""Laying a program out: how much memory is counted, and what a result contains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left

from strads import (
    Engine,
    Program,
    RoundRobin,
    data,
    derived,
    iterate,
    kernel,
    run,
    scratch,
    variable,
)
from strads.engine.errors import InsufficientMemory, ProgramError
from strads.engine.memory.allocators import Shared
from strads.engine.memory.layout import lay_out
from strads.engine.memory.pool import Pool
from strads.engine.memory.store import Store


class Columns(Program):
    A = data("rows", "cols", layout="csc")
    x = variable("cols")
    schedule = RoundRobin("cols")

    @kernel
    def push(block, x):
        x[block] = 1.0


def lay_out_shared(A: sp.csc_array) -> None:
    """Lay a program out as for worker processes, but start none."""
    pool = Pool()
    program = Columns(A=A)
    lay_out(program, Store(Shared(pool)), 2, seed=0)
    program.state = {}
    pool.close()


def test_a_mapped_matrix_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    A = sp.random_array(
        (2000, 1000), density=0.1, format="csc", random_state=np.random.default_rng(0)
    )
    parts = {"data": A.data, "indices": A.indices, "indptr": A.indptr}
    for name, part in parts.items():
        np.save(tmp_path / f"{name}.npy", part)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in parts]
    monkeypatch.setattr("strads.engine.memory.needs.available_memory", lambda: 1 << 20)
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
    """Data that setup should fill: floats, whole numbers, and an array on an axis without ids."""

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
    """Every worker reports the lengths of its copies, and fills them."""

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


MIB = 1 << 20


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that sets how many bytes the machine has left."""
    return lambda n: monkeypatch.setattr("strads.engine.memory.needs.available_memory", lambda: n)


def test_copies_in_the_result_are_counted(left: Callable[[int], None]) -> None:
    # Three arrays of 1 MiB, and copies of two of them.
    options = {"workers": 1, "epochs": 1, "executor": "serial"}
    left(6 * MIB)
    run(Squares(ids=MIB // 8), **options)
    left(4 * MIB)
    with pytest.raises(InsufficientMemory, match="5 MiB are needed"):
        run(Squares(ids=MIB // 8), **options)


def test_memory_is_asked_for_again_before_the_result_is_copied(left: Callable[[int], None]) -> None:
    steps = iterate(Squares(ids=MIB), workers=1, epochs=1, executor="serial")
    next(steps)
    left(MIB)
    with pytest.raises(InsufficientMemory, match="x in the result 8 MiB, square in the result"):
        steps.result()
    left(1 << 40)
    assert run(Squares(ids=5), workers=1, epochs=1).status == "epochs"


def test_data_that_a_partition_reorders_are_counted_as_copies(left: Callable[[int], None]) -> None:
    A = np.asfortranarray(np.zeros((MIB // 8, 2)))
    options = {"workers": 2, "epochs": 1, "executor": "serial"}
    left(MIB)
    run(Columns(A=A), **options)
    with pytest.raises(InsufficientMemory, match="A 2 MiB"):
        run(Columns(A=A), partition={"cols": np.array([1, 0])}, **options)


class Growing(Program):
    """Grows an axis with reserved capacity to given sizes, one per epoch."""

    label = data("fixed")
    x = variable("ids", "wide")
    many = derived("ids", "wide", replicated=True)
    schedule = RoundRobin("ids", lease=4096)

    def __init__(self, sizes: list[object], axis: str = "ids") -> None:
        super().__init__(ids=4, wide=1024, label=np.zeros(3))
        self.reserve = {"ids": 1 << 14}
        self.sizes, self.axis = sizes, axis

    @kernel
    def push(block, x):
        for j in block:
            x[j, 0] += 1.0

    def epoch(self, history: object) -> None:
        if self.sizes:
            self.grow(self.axis, self.sizes.pop(0))


def test_growing_within_reserved_room_asks_for_memory(left: Callable[[int], None]) -> None:
    options = {"workers": 2, "executor": "serial"}
    left(100 * MIB)
    # Each id has 8 KiB in x and in either copy of `many`.
    asked = run(Growing([1024, 10, 1024, 2048]), epochs=5, **options)
    assert asked.state["x"].shape == (2048, 1024)
    with pytest.raises(InsufficientMemory, match="192 MiB are needed.* many 128 MiB, x 64 MiB"):
        run(Growing([8192]), epochs=2, **options)
    # Memory that was touched before is not counted a second time.
    steps = iterate(Growing([1024, 10, 1024]), epochs=3, **options)
    next(steps)
    left(17 * MIB)
    assert steps.finish().state["x"].shape == (1024, 1024)


@pytest.mark.parametrize(
    ("axis", "size", "message"),
    [
        ("ids", -1, "axis 'ids' cannot have -1 ids"),
        ("ids", 2.5, "axis 'ids' cannot have 2.5 ids"),
        ("ids", 1 << 70, "cannot have 1180591620717411303424 ids"),
        ("other", 3, "has no such axis; it has fixed, ids, wide"),
        ("fixed", 4, "axis 'fixed' cannot grow: label is data"),
    ],
)
def test_sizes_that_an_axis_cannot_grow_to(axis: str, size: object, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        run(Growing([size], axis), workers=1, epochs=2, executor="serial")


@pytest.mark.parametrize("size", [-3, 2.5, "many", float("nan"), 1 << 63, True, None])
def test_sizes_that_an_axis_cannot_have(size: object) -> None:
    with pytest.raises(ProgramError, match="axis 'ids' cannot have .* ids"):
        run(Squares(ids=size), workers=1, epochs=1)


def test_a_size_that_no_machine_has_is_too_much_memory() -> None:
    with pytest.raises(InsufficientMemory, match="are needed"):
        run(Squares(ids=1 << 59), workers=1, epochs=1)

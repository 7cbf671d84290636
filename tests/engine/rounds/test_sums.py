"""Sums over the workers, and norms of all columns at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import nothing_left
from programs import assert_same_bits

from strads import (
    Engine,
    Phase,
    Program,
    RoundRobin,
    column_norm2,
    column_norms2,
    data,
    derived,
    kernel,
    run,
    variable,
)
from strads.engine.errors import ProgramError
from strads.kernels import CSC

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
IDS = 50


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(3) as made:
        yield made


class Totals(Program):
    """Workers count their ids of each kind; every worker sees the counts of all workers."""

    kind = data("ids", dtype=np.int64)
    counts = derived("kinds", dtype=np.int32, replicated=True, reduce="sum")
    start = derived("kinds", replicated=True, reduce="sum")
    share = variable("ids")
    phases = {
        "count": Phase(push="count", schedule=RoundRobin("ids", lease=4)),
        "read": Phase(push="read", frozen=("counts", "start")),
    }

    @kernel
    def count(block, kind, counts):
        for j in block:
            counts[kind[j]] += 1

    @kernel
    def read(ids, kind, counts, start, share):
        for j in range(ids[0], ids[1]):
            share[j] = counts[kind[j]] + start[kind[j]]

    @kernel
    def rebuild(ids, kind, start):
        for j in range(ids[0], ids[1]):
            start[kind[j]] += 0.25

    @kernel
    def measure(counts, start):
        return counts.sum(), start.sum()

    def cycle(self) -> Any:
        yield "count", 2
        yield "read"

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        assert (parts == parts[0]).all()  # every copy is the sum
        return {"counted": parts[0, 0], "start": parts[0, 1]}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_worker_sees_the_sum_over_all(engine: Engine, executor: str) -> None:
    kind = np.arange(IDS) % 7
    counts = np.bincount(kind)
    result = engine.run(Totals(kind=kind, kinds=7), epochs=3, executor=executor, align=False)
    assert result.history == [{"counted": 2 * IDS, "start": 0.25 * IDS}] * 3
    np.testing.assert_array_equal(result.state["counts"], 2 * counts)
    np.testing.assert_array_equal(result.state["share"], 2.25 * counts[kind])
    assert_same_bits(result, engine.run(Totals(kind=kind, kinds=7), epochs=3, align=False))


def test_sums_of_what_has_no_copies_are_refused() -> None:
    with pytest.raises(ProgramError, match="must be replicated=True"):
        derived("ids", reduce="sum")
    with pytest.raises(ProgramError, match="reduce='mean' is not 'sum'"):
        derived("ids", replicated=True, reduce="mean")


class Norms(Program):
    """Computes the norms of all columns, in compiled code and outside of it."""

    A = data("rows", "cols", layout="csc")
    norms = data("cols")
    found = variable("cols")
    schedule = RoundRobin("cols")

    def setup(self, rng: np.random.Generator) -> None:
        self.state["norms"][:] = column_norms2(self.A)

    @kernel
    def push(block, A, norms, found):
        every = column_norms2(A)
        for j in block:
            found[j] = every[j] - norms[j]


@settings(max_examples=10)
@given(
    seed=st.integers(0, 99),
    kind=st.sampled_from([np.float32, np.float64]),
    form=st.sampled_from(["csc", "F", "C"]),
)
def test_norms_of_all_columns_are_those_of_each(seed: int, kind: Any, form: str) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(0, 9, 2)
    matrix = sp.random_array(shape, density=0.4, format="csc", random_state=rng, dtype=kind)
    A: Any = CSC(matrix.data, matrix.indices, matrix.indptr)
    if form != "csc":
        A = np.array(matrix.toarray(), order=form)  # type: ignore[call-overload]
    norms = column_norms2(A)
    assert norms.dtype == np.float64
    assert norms.tolist() == [column_norm2(A, j) for j in range(shape[1])]
    np.testing.assert_allclose(norms, np.square(matrix.toarray(), dtype=float).sum(axis=0))


@pytest.mark.parametrize("dense", [False, True])
def test_norms_in_compiled_code_and_out_have_the_same_bits(dense: bool) -> None:
    A = sp.random_array((40, 30), density=0.3, format="csc", random_state=np.random.default_rng(0))
    state = run(Norms(A=A.toarray() if dense else A), workers=1, epochs=1).state
    assert not state["found"].any()

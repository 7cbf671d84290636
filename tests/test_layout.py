"""Laying a program out: what memory is asked for, and what a result holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from strads import Program, RoundRobin, data, derived, kernel, run, variable
from strads.engine.errors import InsufficientMemory
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

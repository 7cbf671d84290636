"""Kernels give the same bits compiled and interpreted, so that the JIT may be off in debugging."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import strads.kernels
from strads.kernels import CSC, column_part

# float32 data and float64 residuals: with mixed types, compiled and interpreted code could differ.
SCRIPT = """
import numpy as np, scipy.sparse as sp
from strads.kernels import *
from strads.kernels.scheduling.sumtree import (
    sumtree_build, sumtree_draw, sumtree_empty, sumtree_set
)

rng = np.random.default_rng(0)
X = (rng.normal(size=(23, 5)) * (rng.random((23, 5)) < 0.6)).astype(np.float32)
S = sp.csc_array(X)
r = rng.normal(size=23)
for A in CSC(S.data, S.indices, S.indptr), np.asfortranarray(X):
    for j in range(5):
        axpy(0.1, A, j, r)
        axpy(-0.3, A, j, r, (5, 17))
        figures = dot(A, j, r), column_norm2(A, j), column_sum(A, j), column_dot(A, j, 0)
        print(*(float(v).hex() for v in (*figures, soft_threshold(r[j], 0.1), *r)))
tree, offsets = sumtree_empty(100)
sumtree_build(tree, offsets, rng.random(100))
for i in range(50):
    j = sumtree_draw(tree, offsets, uniform(7, i))
    sumtree_set(tree, offsets, j, uniform(fold(7, 1), i))
    print(int(j), float(tree[0]).hex())
"""


def printed(jit_off):
    root = str(Path(strads.kernels.__file__).parents[2])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": jit_off, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", SCRIPT],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="compared where this process compiles")
def test_bits_are_equal_with_the_jit_on_and_off():
    compiled = printed("0")
    assert len(compiled) == 60
    assert compiled == printed("1")


@given(
    arrays(np.int64, st.integers(0, 30), elements=st.integers(0, 50), unique=True),
    st.integers(0, 51),
    st.integers(0, 51),
)
def test_a_part_of_a_column_is_its_entries_in_those_rows(rows, a, b):
    rows.sort()
    # The column has neighbours on both sides, into which a search must not go.
    A = CSC(
        np.ones(len(rows) + 2), np.r_[25, rows, 25], np.array([0, 1, len(rows) + 1, len(rows) + 2])
    )
    low, high = min(a, b), max(a, b)
    first, last = column_part(A, 1, (low, high))
    assert A.indices[first:last].tolist() == [i for i in rows if low <= i < high]

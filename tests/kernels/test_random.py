"""Random numbers are equal to a naive twin and to published values, and evenly spread."""

import json
import os
import subprocess
import sys
from pathlib import Path

import naive
import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import strads
from strads.kernels import bits, fold, uniform
from strads.kernels.random import derive

ROOT = Path(next(iter(strads.__path__))).parent

int64s = st.integers(-(2**63), 2**63 - 1)
# Keys come as int64, or as the uint64 that `fold` gives inside compiled code.
keys = st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 2**64 - 1).map(np.uint64))
ids = st.integers(0, 2**40)


@numba.njit
def compiled(key, id, draw):
    return bits(key, id, draw), fold(key, id), uniform(key, id, draw)


@given(keys, ids, ids)
def test_equal_to_the_twin(key, id, draw):
    assert int(bits(key, id, draw)) == naive.bits(int(key), id, draw)
    assert int(fold(key, id)) == naive.fold(int(key), id)
    assert uniform(key, id, draw) == naive.uniform(int(key), id, draw)


@given(keys, ids, ids)
def test_the_same_inside_compiled_code(key, id, draw):
    b, f, u = compiled(key, id, draw)
    assert int(b) == naive.bits(int(key), id, draw)
    assert int(f) == naive.fold(int(key), id)
    assert u == naive.uniform(int(key), id, draw)


@given(int64s, int64s, int64s)
def test_negative_words_wrap(key, id, draw):
    assert int(bits(key, id, draw)) == naive.bits(key, id, draw)
    assert uniform(key, id, draw) == naive.uniform(key, id, draw)


@given(keys, ids, ids)
@example(0, 0, 0)
def test_uniform_is_in_range_and_draw_zero_is_the_default(key, id, draw):
    assert 0.0 <= uniform(key, id, draw) < 1.0
    assert uniform(key, id) == uniform(key, id, 0)
    assert int(bits(key, id)) == int(bits(key, id, 0))


def test_published_outputs():
    # The first three outputs of splitmix64 with seed 0.
    golden = 0x9E3779B97F4A7C15
    outputs = [int(fold(np.uint64(k * golden & (2**64 - 1)), 0)) for k in range(3)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_recorded_outputs():
    assert int(bits(7, 11, 13)) == 0xAC979298DBB070EF
    assert uniform(7, 11, 13) == 0.6741878150166387


@given(keys, st.lists(ids, max_size=4))
def test_derive_is_repeated_folding_to_a_non_negative_int64(key, numbers):
    expected = int(key)
    for number in numbers:
        expected = naive.fold(expected, number)
    assert derive(key, *numbers) == expected >> 1
    assert 0 <= derive(key, *numbers) < 2**63


def test_evenly_spread_and_independent():
    n = 4096
    key = 20240607
    rows = {
        "ids": [uniform(key, i) for i in range(n)],
        "draws": [uniform(key, 5, i) for i in range(n)],
        "keys": [uniform(i, 5) for i in range(n)],
        "folds": [uniform(np.uint64(fold(key, i)), 5) for i in range(n)],
    }
    table = np.array(list(rows.values()))
    counts = np.stack([np.bincount((row * 16).astype(int), minlength=16) for row in table])
    chi2 = ((counts - n / 16) ** 2 / (n / 16)).sum(axis=1)
    assert np.all(chi2 < 45.0), dict(zip(rows, chi2, strict=True))  # p ≈ 1e-4 at 15 degrees
    assert np.all(np.abs(table.mean(axis=1) - 0.5) < 4 * np.sqrt(1 / 12 / n))
    off_diagonal = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(off_diagonal).max() < 4 / np.sqrt(n)
    successive = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in table]
    assert np.abs(successive).max() < 4 / np.sqrt(n)


def test_distinct_for_neighbouring_words():
    found = {int(bits(k, i, d)) for k in range(12) for i in range(12) for d in range(12)}
    assert len(found) == 12**3


SCRIPT = """
import json
import numpy as np
from strads.kernels import bits, fold, uniform
big = np.uint64(2**64 - 1)
cases = [(0, 0, 0), (7, 11, 13), (2**63 - 1, 2**40, 3), (-1, -5, -9), (big, 5, 2**33)]
print(json.dumps([[int(bits(*c)), int(fold(*c[:2])), uniform(*c).hex()] for c in cases]))
"""


@pytest.mark.parametrize("disabled", [pytest.param("0", marks=pytest.mark.compiled), "1"])
def test_equal_with_compilation_on_and_off(disabled):
    env = {**os.environ, "NUMBA_DISABLE_JIT": disabled, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True
    )
    space = {}
    exec(SCRIPT.replace("print(json.dumps(", "result = ((").strip(), space)
    assert json.loads(done.stdout) == space["result"]

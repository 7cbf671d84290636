"""What ranks send of an array: whatever two of them write, both end with the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.engine.mpi.changes import Copies, apply, as_words, changed
from strads.engine.mpi.link import Reader, as_bytes

TYPES = [np.float64, np.float32, np.uint16, np.int8, np.bool_]


def sent(arrays: list[np.ndarray]) -> Reader:
    return Reader(memoryview(b"".join(map(as_bytes, arrays))))


@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(0, 300), columns=st.integers(1, 5),
    dtype=st.sampled_from(TYPES), share=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    runs=st.booleans(),
)  # fmt: skip
def test_two_ranks_that_write_end_alike(
    seed: int, rows: int, columns: int, dtype: type, share: float, runs: bool
) -> None:
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 2, (rows, columns + 2)).astype(dtype)[:, :columns]  # not contiguous
    mine, theirs = start.copy(), start.copy()
    before = [Copies().take("x", as_words(each)) for each in (mine, theirs)]
    owner = np.sort(rng.random(start.shape), axis=0) if runs else rng.random(start.shape)
    for array, writes in ((mine, owner < share / 2), (theirs, owner > 1.0 - share / 2)):
        array[writes] = rng.integers(0, 3, int(writes.sum())).astype(dtype)
    whole = np.where(owner > 1.0 - share / 2, theirs, mine)
    parts = [changed(as_words(a), b) for a, b in zip((mine, theirs), before, strict=True)]
    apply(sent(parts[1]), as_words(mine), before[0])
    apply(sent(parts[0]), as_words(theirs), before[1])
    assert mine.tobytes() == theirs.tobytes() == whole.tobytes()
    for copy in before:  # up to date, so that nothing is sent twice
        assert len(changed(as_words(mine), copy)) == 1


def test_bits_are_compared_and_not_values() -> None:
    array = np.array([0.0, np.nan, 1.0])
    before = as_words(array).copy()
    assert len(changed(as_words(array), before)) == 1  # the NaN has not changed
    array[0] = -0.0
    words = changed(as_words(array), before)
    other = np.array([0.0, np.nan, 1.0])
    apply(sent(words), as_words(other))
    assert np.signbit(other[0])


@pytest.mark.parametrize("every", [1, 2, 40])
def test_what_is_sent_is_not_much_longer_than_what_has_changed(every: int) -> None:
    array = np.zeros(8000)
    before = as_words(array).copy()
    array[::every] = 1.0
    nbytes = sum(part.nbytes for part in changed(as_words(array), before))
    assert nbytes <= 8 * (8000 // every) + 8000 // 8 + 24

"""Maps of files that are read part by part, and whose pages are given back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from strads.engine import file_pages


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_pages, "TOGETHER", 64)


def mapped(path: Path, array: np.ndarray) -> np.ndarray:
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [1, 8, 9, 40])
def test_parts_are_the_whole_array(tmp_path: Path, size: int) -> None:
    array = mapped(tmp_path / "a.npy", np.arange(size))
    found = list(file_pages.parts(array))
    assert np.concatenate([part for _, part in found]).tolist() == list(range(size))
    assert [first for first, _ in found] == list(range(0, size, 8))
    assert array.sum() == size * (size - 1) // 2  # pages come back when they are read


def test_an_array_in_memory_is_one_part() -> None:
    array = np.arange(40)
    ((first, part),) = file_pages.parts(array)
    assert (first, part is array) == (0, True)


@pytest.mark.usefixtures("small_parts")
def test_sorted_rows_are_what_scipy_calls_canonical(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)  # the lowest SciPy does not know `rng`
    matrix = sp.random_array((30, 20), density=0.3, format="csr", random_state=drawn)
    matrix.sort_indices()
    for k in range(30):
        changed = matrix.copy()
        if k:  # swap two neighbours, or have one twice, also where parts meet
            changed.indices[k] = changed.indices[k - 1]
        indices = mapped(tmp_path / f"{k}.npy", changed.indices)
        wanted = sp.csr_array((changed.data, changed.indices, changed.indptr), shape=(30, 20))
        assert file_pages.sorted_rows(changed.indptr, indices) == wanted.has_canonical_format

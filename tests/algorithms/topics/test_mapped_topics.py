"""Topic models of counts that stay in files: the bits of counts in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from strads import LatentDirichletAllocation, MedLDA
from strads.datasets import convert_matrix, map_matrix

RNG = np.random.default_rng(0)
COUNTS = sp.random(
    40, 23, 0.3, format="csr", random_state=0, data_rvs=lambda n: RNG.integers(1, 4, n)
).astype(float)
GIVEN: dict[str, Any] = {"n_components": 3, "max_iter": 4, "random_state": 0, "sampler": "dense"}


def in_file(folder: Path, matrix: Any, by: str = "rows") -> Any:
    folder.mkdir(exist_ok=True)
    sp.save_npz(folder / "c.npz", matrix)
    return map_matrix(convert_matrix(folder / "c.npz", folder / by, by=by))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bits_of_counts_in_memory(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "strads.algorithms.topics.counts.mapped_counts.TOGETHER", 30
    )  # some documents
    mapped = in_file(tmp_path, COUNTS)
    one = LatentDirichletAllocation(**GIVEN, n_workers=workers).fit(mapped)
    two = LatentDirichletAllocation(**GIVEN, n_workers=workers).fit(COUNTS)
    np.testing.assert_array_equal(one.assignments_, two.assignments_)
    np.testing.assert_array_equal(one.topic_counts_, two.topic_counts_)
    np.testing.assert_array_equal(one.doc_lengths_, two.doc_lengths_)
    np.testing.assert_array_equal(one.transform(mapped), two.transform(COUNTS))
    assert one.n_features_in_ == 23


def test_what_is_refused(tmp_path: Path) -> None:
    mapped = in_file(tmp_path, COUNTS)
    with pytest.raises(ValueError, match="--by rows"):
        LatentDirichletAllocation(**GIVEN).fit(in_file(tmp_path / "c", COUNTS, "columns"))
    for value, told in ((-1.0, "Negative values"), (0.5, r"X\[0, \d+\] is 0.5")):
        wrong = COUNTS.copy()
        wrong.data[0] = value
        with pytest.raises(ValueError, match=told):
            LatentDirichletAllocation(**GIVEN).fit(in_file(tmp_path / f"{value}", wrong))
    with pytest.raises(TypeError, match="stays in its file"):
        MedLDA().fit(mapped, np.arange(40) % 2)
    model = LatentDirichletAllocation(**GIVEN).fit(mapped)
    with pytest.raises(ValueError, match="stays in its file"):
        model.perplexity(mapped)
    with pytest.raises(ValueError, match="expecting 23 features"):
        model.transform(in_file(tmp_path / "few", COUNTS[:, :9]))
    with pytest.raises(ValueError, match="warm_start=True"):
        model.set_params(warm_start=True).fit(mapped)

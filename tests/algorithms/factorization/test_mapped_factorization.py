"""Factorisation of ratings that stay in files: the bits of ratings in memory."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numba.core import config

from strads import Engine, ImplicitFactorization, MatrixFactorization
from strads.algorithms.factorization.programs.mapped import MappedLeastSquares
from strads.algorithms.factorization.programs.rows import Model
from strads.datasets import convert_matrix, map_matrix
from strads.engine import DataError

compiled = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="takes too long without the JIT")
RNG = np.random.default_rng(0)
R = sp.random(31, 17, 0.4, format="csr", random_state=0, data_rvs=lambda n: RNG.integers(1, 6, n))
GIVEN: dict[str, Any] = {"n_components": 3, "max_iter": 5, "solver": "als", "random_state": 0}


def in_files(folder: Path, matrix: Any, by: str = "both") -> Any:
    sp.save_npz(folder / "r.npz", matrix)
    return map_matrix(convert_matrix(folder / "r.npz", folder / f"r-{by}", by=by))


def same(one: Any, two: Any) -> None:
    """Factors and figures are equal, bit for bit."""
    assert one.user_factors_.tobytes() == two.user_factors_.tobytes()
    assert one.item_factors_.tobytes() == two.item_factors_.tobytes()
    assert one.history_ == two.history_


@pytest.mark.parametrize("kind", [MatrixFactorization, ImplicitFactorization])
def test_the_bits_of_ratings_in_memory(tmp_path: Path, kind: Any) -> None:
    mapped = in_files(tmp_path, R.astype(float))
    mapped.turned.room = mapped.room = 200  # some rows at a time
    one, two = kind(**GIVEN).fit(mapped), kind(**GIVEN).fit(R.astype(float))
    same(one, two)
    assert one.n_features_in_ == 17
    for found, wanted in zip(one.recommend([3, 1], 4), two.recommend([3, 1], 4), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.slow
@pytest.mark.processes
@compiled
def test_with_several_workers(tmp_path: Path) -> None:
    mapped = in_files(tmp_path, R.astype(float))
    one = MatrixFactorization(**GIVEN, n_workers=2).fit(mapped)
    assert one.statistics_["executor"] == "processes"
    same(one, MatrixFactorization(**GIVEN).fit(mapped))


def test_there_is_no_race(tmp_path: Path) -> None:
    program = MappedLeastSquares(
        X=in_files(tmp_path, R.astype(float)), components=3, penalty=(0.1, 0.1),
        model=Model((1.0, 0.0, 0.0, 1.0, 1.0, 0.0), scaled=True, biased=True),
    )  # fmt: skip
    with Engine(executor="serial") as engine:
        assert engine.run(program, workers=2, epochs=1, check=True).history


@pytest.mark.slow
@pytest.mark.processes
@compiled
def test_a_fit_resumes(tmp_path: Path) -> None:
    mapped = in_files(tmp_path, R.astype(float))
    whole = MatrixFactorization(**GIVEN).fit(mapped)
    folder = tmp_path / "checkpoint"
    MatrixFactorization(**GIVEN | {"max_iter": 2}, checkpoint=folder).fit(mapped)
    again = MatrixFactorization(**GIVEN, resume_from=folder).fit(map_matrix(tmp_path / "r-both"))
    same(again, whole)
    other = R.astype(float)
    other.data = other.data[::-1].copy()  # of the same mean
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="fingerprint"):
        MatrixFactorization(**GIVEN, resume_from=folder).fit(in_files(tmp_path / "other", other))


def test_a_saved_model_leaves_the_ratings_where_they_are(tmp_path: Path) -> None:
    mapped = in_files(tmp_path, R.astype(float))
    model = MatrixFactorization(**GIVEN).fit(mapped)
    model.save(tmp_path / "model.npz")
    loaded = MatrixFactorization.load(tmp_path / "model.npz")
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        with pytest.raises(ValueError, match="stayed in files"):
            other.recommend(0)
        other.seen_ = mapped
        np.testing.assert_array_equal(other.recommend(0)[0], model.recommend(0)[0])


def test_files_that_change(tmp_path: Path) -> None:
    mapped = in_files(tmp_path, R.astype(float))

    def shorten(_: Any) -> None:
        os.truncate(tmp_path / "r-both" / "by-columns" / "data.npy", 300)

    with pytest.raises(DataError, match="now has 300"):
        MatrixFactorization(**GIVEN, callbacks=shorten).fit(mapped)


def test_what_is_refused(tmp_path: Path) -> None:
    mapped = in_files(tmp_path, R.astype(float))
    with pytest.raises(ValueError, match="--by both"):
        MatrixFactorization().fit(in_files(tmp_path, R.astype(float), "rows"))
    with pytest.raises(ValueError, match="solver='sgd' needs ratings in memory"):
        MatrixFactorization(solver="sgd").fit(mapped)
    with pytest.raises(ValueError, match="give `validation`"):
        ImplicitFactorization(early_stopping=True).fit(mapped)
    low = R.astype(float)
    low.data[3] = -1.0
    (tmp_path / "low").mkdir()
    with pytest.raises(ValueError, match="Negative values"):
        ImplicitFactorization().fit(in_files(tmp_path / "low", low))
    model = MatrixFactorization(**GIVEN).fit(mapped)
    with pytest.raises(ValueError, match="are in files"):
        model.partial_fit(R)

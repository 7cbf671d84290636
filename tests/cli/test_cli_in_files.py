"""Commands on the folders of ``strads convert``: ratings, counts, and fits of many penalties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused

import strads
from strads.datasets import map_matrix

ONE = ("--workers", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Counts of 12 documents, in files by rows and by columns."""
    rng = np.random.default_rng(0)
    counts = sp.csr_array(rng.poisson(0.6, (12, 9)).astype(float))
    sp.save_npz(tmp_path / "counts.npz", counts)
    done("convert", tmp_path / "counts.npz", tmp_path / "folder", "--by", "both")
    return tmp_path / "folder"


def test_ratings_stay_in_their_files(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = ("--rank", 2, "--max-iter", 2, "--tol", 0, *ONE)
    assert "--test 0" in refused("fit", "mf", folder, *asked)
    assert "--user" in refused("fit", "mf", folder, "--test", 0, "--user", "who", *asked)
    ended = done("fit", "mf", folder, "--test", 0, "--out", out, *asked)
    assert "items by 12 users" in ended.stderr
    model = strads.MatrixFactorization(2, max_iter=2, tol=0.0, n_workers=1, random_state=0)
    model.fit(map_matrix(folder))
    kept = strads.MatrixFactorization.load(out / "model.npz")
    np.testing.assert_array_equal(kept.user_factors_, model.user_factors_)
    assert record_of(out)["shape"] == [12, 9]
    told = done("recommend", out, 3, "--n", 2, "--no-filter-seen").stdout.splitlines()
    assert [line.split(",")[:2] for line in told[1:]] == [["3", "1"], ["3", "2"]]


def test_counts_stay_in_their_files(folder: Path, tmp_path: Path) -> None:
    out, words = tmp_path / "run", tmp_path / "words.txt"
    words.write_text("".join(f"word{k}\n" for k in range(9)))
    asked = ("--topics", 2, "--max-iter", 2, *ONE)
    assert "--test 0" in refused("fit", "lda", folder, *asked)
    assert "--min-df" in refused("fit", "lda", folder, "--test", 0, "--min-df", 2, *asked)
    ended = done("fit", "lda", folder, "--test", 0, "--vocabulary", words, "--out", out, *asked)
    assert "word" in ended.stdout
    model = strads.LatentDirichletAllocation(2, max_iter=2, n_workers=1, random_state=0)
    model.fit(map_matrix(folder))
    kept = strads.LatentDirichletAllocation.load(out / "model.npz")
    np.testing.assert_array_equal(kept.components_, model.components_)
    assert record_of(out)["tokens"] == int(map_matrix(folder).sums()[0].sum())
    words.write_text("one\ntwo\n")
    asked = ("--test", 0, "--vocabulary", words, *asked)
    assert "9 columns" in refused("fit", "lda", folder, *asked)


def test_many_penalties_of_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.normal(size=(30, 6)))
    np.save(tmp_path / "X.npy", X)
    np.savetxt(tmp_path / "y.txt", X[:, 0] + 0.1 * rng.normal(size=30))
    data = (tmp_path / "X.npy", "--target", tmp_path / "y.txt", "--alphas", 3, *ONE)
    mapped = ("--max-memory", "100 MB")
    done("path", *data, *mapped, "--out", tmp_path / "path")
    done("path", *data, "--out", tmp_path / "in memory")
    with np.load(tmp_path / "path" / "path.npz") as found:
        with np.load(tmp_path / "in memory" / "path.npz") as wanted:
            np.testing.assert_allclose(found["data"], wanted["data"], atol=1e-5)
    done("cv", *data, *mapped, "--folds", 2, "--out", tmp_path / "cv")
    assert record_of(tmp_path / "cv")["verdict"] == "certified"
    assert "strads convert" in refused("path", tmp_path / "y.txt", *mapped)

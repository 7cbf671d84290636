"""``strads fit dictionary``: files, output and errors."""

import numpy as np
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused

import strads


@pytest.mark.parametrize("batches", [(), ("--batch-size", 8)])
def test_atoms_and_codes_are_those_of_the_estimator(tmp_path, batches):
    X = np.random.default_rng(0).normal(size=(24, 5))
    np.save(tmp_path / "x.npy", X)
    out = tmp_path / "run"
    ended = done(
        "fit", "dictionary", tmp_path / "x.npy", "--rank", 4, "--alpha", 0.2, "--max-iter", 3,
        "--workers", 1, "--seed", 2, "--out", out, *batches,
    )  # fmt: skip
    given = {"alpha": 0.2, "max_iter": 3, "tol": 1e-8, "n_workers": 1, "random_state": 2}
    if batches:
        model = strads.MiniBatchDictionaryLearning(4, batch_size=8, **given)
    else:
        model = strads.DictionaryLearning(4, **given)
    codes = model.fit_transform(X)
    np.testing.assert_array_equal(sp.load_npz(out / "codes.npz").toarray(), codes)
    loaded = type(model).load(out / "model.npz")
    np.testing.assert_array_equal(loaded.components_, model.components_)
    assert record_of(out)["dual_gap"] == model.dual_gap_
    assert "duality gap of a code" in ended.stdout
    np.save(tmp_path / "new.npy", X[:3])
    done("transform", out, tmp_path / "new.npy", "--out", tmp_path / "codes.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), model.transform(X[:3]))


def test_a_wrong_option_is_named(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 3)))
    given = ("fit", "dictionary", tmp_path / "x.npy")
    refused(*given, "--rank", 0, says="'rank'")
    refused(*given, "--batch-size", 0, says="'batch-size'")
    refused(*given, "--drop", "a", says="--drop")

"""``strads fit nmf``: files, output and errors."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused
from sklearn.exceptions import ConvergenceWarning

import strads

EPOCH = re.compile(r"^epoch +(\d+)  objective \S+ +\d+\.\d\d s$", re.MULTILINE)


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.random((25, 2)) @ rng.random((2, 8)).round(3)


def arguments(path, *options):
    return ("fit", "nmf", path, "--rank", 2, "--max-iter", 5, "--workers", 1, *options)


def test_both_factors_are_those_of_the_estimator(X, tmp_path):
    sp.save_npz(tmp_path / "x.npz", sp.csr_array(X))
    options = ("--alpha-W", 0.001, "--l1-ratio", 0.5, "--seed", 2, "--out", tmp_path / "run")
    ended = done(*arguments(tmp_path / "x.npz", *options))
    model = strads.NMF(
        2, alpha_W=0.001, l1_ratio=0.5, max_iter=5, n_workers=1, random_state=2
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning):
        W = model.fit_transform(sp.csc_array(X))
    np.testing.assert_array_equal(np.load(tmp_path / "run" / "W.npy"), W)
    loaded = strads.NMF.load(tmp_path / "run" / "model.npz")
    np.testing.assert_array_equal(loaded.components_, model.components_)
    record = record_of(tmp_path / "run")
    assert record["reconstruction_err"] == model.reconstruction_err_
    assert f"{model.reconstruction_err_:.6g}" in ended.stdout
    epochs = [int(epoch) for epoch in EPOCH.findall(ended.stderr)]
    assert epochs == [step["epoch"] for step in record["history"]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_a_table_with_a_column_to_leave_out(X, tmp_path, name):
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    frame["name"] = "somebody"
    path = tmp_path / name
    frame.to_csv(path, index=False) if name == "x.csv" else frame.to_parquet(path)
    refused(*arguments(path), says=("column 'name'", "--drop name"))
    done(*arguments(path, "--drop", "name", "--drop", "b", "--quiet", "--out", tmp_path))
    assert record_of(tmp_path)["columns"] == list("acdefgh")
    assert strads.NMF.load(tmp_path / "model.npz").components_.shape == (2, 7)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--rank", 0), "'rank'"),
        (("--alpha-H", "other"), "'alpha-H'"),
        (("--l1-ratio", 2), "'l1-ratio'"),
        (("--solver", "best"), "'solver'"),
        (("--beta-loss", "other"), "'beta-loss'"),
        (("--drop", "a"), "--drop"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_one_line(tmp_path, options, name):
    np.save(tmp_path / "x.npy", np.ones((3, 3)))
    refused(*arguments(tmp_path / "x.npy", *options), says=name)


def test_negative_entries_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.0, -2.0]]))
    refused(*arguments(tmp_path / "x.npy", "--quiet"), says="Negative values")

"""``strads fit glasso``: files, output and errors."""

import numpy as np
import pandas as pd
from commands import done, record_of, refused

import strads


def test_edges_have_the_names_of_columns(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4)).round(4)
    X[:, 2] += X[:, 0]
    frame = pd.DataFrame(X, columns=list("abcd")).assign(name="somebody")
    frame.to_csv(tmp_path / "x.csv", index=False)
    run = tmp_path / "run"
    arguments = ("fit", "glasso", tmp_path / "x.csv", "--drop", "name", "--alpha", 0.3)
    ended = done(*arguments, "--workers", 1, "--out", run)
    model = strads.GraphicalLasso(0.3, n_workers=1).fit(frame.drop(columns="name").to_numpy())
    loaded = strads.GraphicalLasso.load(run / "model.npz")
    np.testing.assert_array_equal(loaded.precision_, model.precision_)
    edges = pd.read_csv(run / "edges.csv")
    assert edges[["one", "other"]].to_numpy().tolist() == [["a", "c"]]
    theta = model.precision_
    partial = -theta[0, 2] / np.sqrt(theta[0, 0] * theta[2, 2])
    np.testing.assert_allclose(edges["partial_correlation"], [partial])
    record = record_of(run)
    assert record["edges"] == 1 and record["dual_gap"] == model.dual_gap_ <= 1e-4
    assert "3, the largest of 2 columns" in ended.stdout
    refused("predict", run, tmp_path / "x.csv", says="fit glasso, which cannot predict")


def test_a_graph_without_edges_and_a_constant_column(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    np.save(tmp_path / "x.npy", X)
    ended = done("fit", "glasso", tmp_path / "x.npy", "--alpha", 5, "--out", tmp_path / "run")
    assert "3, the largest of 1 columns" in ended.stdout
    assert len(pd.read_csv(tmp_path / "run" / "edges.csv")) == 0
    X[:, 1] = 2.0
    np.save(tmp_path / "x.npy", X)
    arguments = ("fit", "glasso", tmp_path / "x.npy", "--quiet")
    refused(*arguments, says="variable 1 has no positive, finite variance")

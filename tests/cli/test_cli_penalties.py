"""``strads fit enet``, ``path`` and ``cv``: the estimators and the path, from a file."""

import csv

import numpy as np
import pytest
import scipy.sparse as sp
from commands import NOT_CONVERGED, done, record_of, refused, strads_

import strads


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """X, y and a table of them."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 4))
    y = X @ [2.0, 0.0, -1.0, 0.0] + 0.1 * rng.normal(size=50) + 1.0
    path = tmp_path_factory.mktemp("linear") / "data.csv"
    rows = ["a,b,c,d,y", *(",".join(f"{v!r}" for v in [*map(float, x), float(t)])
                           for x, t in zip(X, y, strict=True))]  # fmt: skip
    path.write_text("\n".join(rows) + "\n")
    return X, y, path


def test_fit_enet_writes_what_the_estimator_finds(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--alpha", 0.2, "--l1-ratio", 0.3, "--workers", 1)
    ended = done("fit", "enet", path, *given, "--out", tmp_path)
    assert "Elastic net" in ended.stdout
    model = strads.ElasticNet(0.2, l1_ratio=0.3, n_workers=1).fit(X, y)
    loaded = strads.ElasticNet.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    predicted = done("predict", tmp_path, path).stdout.split()[1:]
    np.testing.assert_allclose(np.array(predicted, float), model.predict(X))
    assert record_of(tmp_path)["settings"]["l1_ratio"] == 0.3
    assert "schedule" not in record_of(tmp_path)["settings"]
    refused("fit", "enet", path, "--target", "y", "--alpha", 0.2, "--l1-ratio", 2, says="l1-ratio")


def test_fit_group_writes_what_the_estimator_finds(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--alpha", 0.2, "--groups", "1,3", "--weights", "sqrt")
    ended = done("fit", "group", path, *given, "--workers", 1, "--out", tmp_path)
    assert "Group Lasso" in ended.stdout
    model = strads.GroupLasso([1, 3], 0.2, weights="sqrt", n_workers=1).fit(X, y)
    loaded = strads.GroupLasso.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    predicted = done("predict", tmp_path, path).stdout.split()[1:]
    np.testing.assert_allclose(np.array(predicted, float), model.predict(X))
    assert record_of(tmp_path)["settings"]["groups"] == [1, 3]
    given = ("--target", "y", "--alpha", 0.2)
    wrong = strads_("fit", "group", path, *given, "--groups", "a")
    assert wrong.code == 2
    assert "'a' is neither a number nor numbers with commas" in wrong.stderr
    refused("fit", "group", path, *given, "--groups", "3", "--quiet", says="must divide")


def test_fit_glm_writes_what_the_estimator_finds(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--alpha", 0.1, "--loss", "huber", "--workers", 1)
    ended = done("fit", "glm", path, *given, "--out", tmp_path)
    assert "Generalised linear model" in ended.stdout
    assert "relative duality gap" in ended.stdout
    model = strads.GeneralizedLinearRegressor("huber", alpha=0.1, n_workers=1).fit(X, y)
    predicted = done("predict", tmp_path, path).stdout.split()[1:]
    np.testing.assert_allclose(np.array(predicted, float), model.predict(X))
    given = ("--target", "y", "--alpha", 0.1, "--loss", "poisson", "--quiet")
    refused("fit", "glm", path, *given, says="y must not be negative")


def test_fit_nonconvex_writes_what_the_estimator_finds(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--alpha", 0.5, "--penalty", "scad", "--gamma", 3, "--workers", 1)
    ended = done("fit", "nonconvex", path, *given, "--out", tmp_path)
    assert "concave penalty" in ended.stdout
    assert "stationarity residual" in ended.stdout
    model = strads.NonconvexRegressor("scad", 0.5, gamma=3.0, n_workers=1).fit(X, y)
    predicted = done("predict", tmp_path, path).stdout.split()[1:]
    np.testing.assert_allclose(np.array(predicted, float), model.predict(X))
    assert record_of(tmp_path)["stationarity"] <= 1e-6
    refused("fit", "nonconvex", path, *given, "--gamma", 0.5, "--quiet", says="gamma")


def test_path(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--alphas", 4, "--eps", 0.01, "--workers", 1)
    ended = done("path", path, *given, "--out", tmp_path)
    alphas, coefs, _ = strads.lasso_path(X, y, alphas=4, eps=0.01, fit_intercept=True, n_workers=1)
    with np.load(tmp_path / "path.npz") as stored:
        np.testing.assert_array_equal(stored["alphas"], alphas)
        parts = stored["data"], stored["indices"], stored["indptr"]
        weights = sp.csc_array(parts, shape=tuple(stored["shape"]))
    np.testing.assert_array_equal(weights.toarray(), coefs)
    rows = list(csv.DictReader((tmp_path / "path.csv").open()))
    assert [int(row["nonzeros"]) for row in rows] == np.count_nonzero(coefs, axis=0).tolist()
    model = strads.Lasso(float(rows[-1]["alpha"])).fit(X, y)
    assert float(rows[-1]["explained"]) == pytest.approx(model.score(X, y), abs=1e-6)
    assert f"{alphas[0]:.6g}" in ended.stdout
    assert record_of(tmp_path)["model"] == "path"


def test_the_file_of_somebody_else_is_not_replaced_by_a_path(problem, tmp_path):
    (tmp_path / "path.csv").write_text("mine")
    refused("path", problem[2], "--target", "y", "--out", tmp_path, says="no run.json")
    assert (tmp_path / "path.csv").read_text() == "mine"


def test_a_path_that_misses_its_gap_says_so(problem):
    path = problem[2]
    ended = strads_("path", path, "--target", "y", "--alphas", 2, "--tol", 0, "--max-iter", 1)
    assert ended.code == NOT_CONVERGED


def test_cv(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--alphas", 5, "--folds", 3, "--l1-ratio", 0.5, "--l1-ratio", 1)
    ended = done("cv", path, *given, "--workers", 1, "--out", tmp_path)
    model = strads.ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=5, cv=3, n_workers=1).fit(X, y)
    loaded = strads.ElasticNetCV.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    record = record_of(tmp_path)
    assert record["alpha"] == model.alpha_
    np.testing.assert_array_equal(record["errors"], model.mse_path_)
    assert "least mean squared error" in ended.stdout
    assert len(done("predict", tmp_path, path).stdout.split()) == 51
    assert (tmp_path / "coef.csv").read_text().startswith("feature,weight\n")

"""``strads fit logistic``, ``svm`` and ``svr``: the estimators, from a file."""

import csv

import numpy as np
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused

import strads


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """X, labels of three classes, and a table of them."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 4))
    y = np.digitize(X @ [2.0, 0.0, -1.0, 0.0] + 0.1 * rng.normal(size=60), [-1.0, 1.0])
    path = tmp_path_factory.mktemp("labels") / "data.csv"
    rows = ["a,b,c,d,y", *(",".join(f"{v!r}" for v in [*map(float, x), int(t)])
                           for x, t in zip(X, y, strict=True))]  # fmt: skip
    path.write_text("\n".join(rows) + "\n")
    return X, y, path


def test_fit_logistic_writes_what_the_estimator_finds(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--C", 2, "--class-weight", "balanced", "--workers", 1)
    ended = done("fit", "logistic", path, *given, "--out", tmp_path)
    assert "Logistic regression" in ended.stdout
    model = strads.SparseLogisticRegression(C=2.0, class_weight="balanced", n_workers=1).fit(X, y)
    loaded = strads.SparseLogisticRegression.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    predicted = done("predict", tmp_path, path).stdout.split()[1:]
    np.testing.assert_array_equal(np.array(predicted, float), model.predict(X))
    with np.load(tmp_path / "coef.npz") as stored:
        parts = stored["data"], stored["indices"], stored["indptr"]
        weights = sp.csr_array(parts, shape=tuple(stored["shape"]))
        np.testing.assert_array_equal(stored["classes"], model.classes_)
    np.testing.assert_array_equal(weights.toarray(), model.coef_)
    rows = list(csv.DictReader((tmp_path / "coef.csv").open()))
    assert len(rows) == np.count_nonzero(model.coef_)
    assert {row["class"] for row in rows} == {"0.0", "1.0", "2.0"}
    first = max(np.abs(model.coef_[0]).tolist())
    assert abs(float(rows[0]["weight"])) == first
    assert record_of(tmp_path)["settings"]["C"] == 2.0
    refused("fit", "logistic", path, "--target", "y", "--C", 0, says="C")
    says = ("target a holds no labels", "fit lasso")
    refused("fit", "logistic", path, "--target", "a", "--quiet", says=says)


def test_fit_logistic_fits_all_classes_together(problem, tmp_path):
    X, y, path = problem
    given = ("--target", "y", "--multi-class", "multinomial", "--workers", 1)
    ended = done("fit", "logistic", path, *given, "--out", tmp_path)
    assert "certified" in ended.stdout
    model = strads.SparseLogisticRegression(multi_class="multinomial", n_workers=1).fit(X, y)
    loaded = strads.SparseLogisticRegression.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    given = ("--target", "y", "--multi-class", "both", "--quiet")
    refused("fit", "logistic", path, *given, says="multi-class")


@pytest.mark.parametrize("command", ["svm", "svr"])
def test_fit_svm_writes_what_the_estimator_finds(command, problem, tmp_path):
    X, y, path = problem
    kind = {"svm": strads.LinearSVC, "svr": strads.LinearSVR}[command]
    given = ("--target", "y", "--C", 2, "--intercept-scaling", 3, "--workers", 1)
    ended = done("fit", command, path, *given, "--out", tmp_path)
    assert "Linear support vector" in ended.stdout
    assert "certified" in ended.stdout
    model = kind(C=2.0, intercept_scaling=3.0, n_workers=1).fit(X, y)
    loaded = kind.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    predicted = done("predict", tmp_path, path).stdout.split()[1:]
    np.testing.assert_allclose(np.array(predicted, float), model.predict(X))
    refused("fit", command, path, "--target", "y", "--C", 0, says="C")
    refused("fit", command, path, "--target", "y", "--loss", "log", "--quiet", says="loss")

"""Fits of matrices that stay in files: the same optimum, limits on memory, changed files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.svm
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import config

from strads import (
    ElasticNet,
    Engine,
    GroupLasso,
    Lasso,
    LassoCV,
    LinearSVC,
    LinearSVR,
    NonconvexRegressor,
    SparseLogisticRegression,
    SparseLogisticRegressionCV,
    default_engine,
    lasso_path,
)
from strads.algorithms.linear.mapped.budget import bytes_of
from strads.algorithms.linear.mapped.passes import ColumnPass, RowPass
from strads.algorithms.linear.mapped.path import MappedPath
from strads.algorithms.linear.mapped.svm import blocks_of
from strads.algorithms.linear.penalty import Penalty
from strads.datasets import convert_matrix, map_matrix
from strads.engine import DataError, InsufficientMemory

compiled = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="takes too long without the JIT")
RNG = np.random.default_rng(0)
N, P = 60, 90
X = RNG.normal(size=(N, P)) + 3.0
WEIGHTS = np.zeros(P)
WEIGHTS[:5] = 2.0
Y = X @ WEIGHTS + RNG.normal(size=N)


def saved(folder: Path, array: Any, order: str) -> Any:
    np.save(folder / "x.npy", np.asarray(array, order=order))  # type: ignore[call-overload]
    return map_matrix(folder / "x.npy")


def folder_of(folder: Path, matrix: Any, by: str) -> Any:
    sp.save_npz(folder / "s.npz", matrix)
    return map_matrix(convert_matrix(folder / "s.npz", folder / by, by=by))


def optimal(model: Any, dense: np.ndarray, y: np.ndarray, penalty: float) -> None:
    """The weights of a Lasso fulfil the conditions of the optimum."""
    r = y - dense @ model.coef_ - model.intercept_
    scores, w = dense.T @ r / len(y), model.coef_
    assert abs(r.mean()) < 1e-6
    assert np.all(np.abs(scores) <= penalty * (1 + 1e-3))
    np.testing.assert_allclose(scores[w != 0], penalty * np.sign(w[w != 0]), rtol=1e-3)


@compiled
def test_a_support_that_outgrows_the_limit_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "strads.algorithms.linear.mapped.fit.as_many", lambda order, *_: min(len(order), 3)
    )
    with pytest.raises(InsufficientMemory, match="in the support, and .* others are needed|copies"):
        Lasso(0.3, n_workers=1).fit(saved(tmp_path, X, "F"), Y)


@pytest.mark.parametrize("order", ["F", "C"])
def test_lasso_on_a_dense_file(tmp_path: Path, order: str) -> None:
    mapped = saved(tmp_path, X, order)
    model = Lasso(0.3, max_memory="20 MB", tol=1e-9, n_workers=1).fit(mapped, Y)
    assert model.certified_
    optimal(model, X, Y, 0.3)
    assert model.statistics_["passes"] == len(model.history_) + 1
    np.testing.assert_allclose(model.predict(mapped), model.predict(X), rtol=1e-12)
    assert model.n_features_in_ == P


@pytest.mark.slow  # the kernels of sparse files are compiled for it alone
@compiled
@pytest.mark.parametrize("by", ["columns", "rows"])
def test_lasso_on_a_sparse_file(tmp_path: Path, by: str) -> None:
    S = sp.random(N, P, 0.3, format="csc", random_state=0)
    y = S @ WEIGHTS + RNG.normal(size=N) / 5.0
    model = Lasso(0.01, max_memory="20 MB", tol=1e-9, n_workers=1)
    model.fit(folder_of(tmp_path, S, by), y)
    assert model.certified_
    optimal(model, S.toarray(), y, 0.01)


def test_the_working_set_grows_within_the_limit(tmp_path: Path, monkeypatch: Any) -> None:
    """With room for few columns, several passes find those that matter."""
    monkeypatch.setattr("strads.algorithms.linear.mapped.fit.AT_LEAST", 4)
    monkeypatch.setattr("strads.algorithms.linear.mapped.fit.FOR_EACH", 0)
    model = Lasso(0.3, tol=1e-8, n_workers=1).fit(saved(tmp_path, X, "F"), Y)
    assert model.certified_
    optimal(model, X, Y, 0.3)
    assert model.statistics_["passes"] > 2
    assert all(figures["working_set"] < P for figures in model.history_)


@compiled
def test_options_of_the_fit(tmp_path: Path) -> None:
    """Weights of samples and features, a sign, a ridge and a start: as for X in memory."""
    mapped, weight = saved(tmp_path, X, "F"), RNG.random(N)
    factors = np.r_[0.0, np.inf, np.ones(P - 2)]
    for kind, options, own in (
        (ElasticNet, {"l1_ratio": 0.5, "weights": factors}, {"sample_weight": weight}),
        (Lasso, {"positive": True, "fit_intercept": False}, {}),
    ):
        kind_of: Any = kind
        shared: dict[str, Any] = {"tol": 1e-10, "n_workers": 1, **options}
        one = kind_of(0.3, warm_start=True, **shared).fit(mapped, Y, **own)
        two = kind_of(0.3, **shared).fit(X, Y, **own)
        np.testing.assert_allclose(one.coef_, two.coef_, rtol=1e-4, atol=1e-7)
        assert one.intercept_ == pytest.approx(two.intercept_, rel=1e-5, abs=1e-6)
        again = one.fit(mapped, Y, **own)
        assert again.certified_


@compiled
def test_paths(tmp_path: Path) -> None:
    """A path and a cross-validation choose the same as in memory; penalties share a first pass."""
    mapped = saved(tmp_path, X, "F")
    given: dict[str, Any] = {"alphas": 6, "eps": 0.05, "tol": 1e-9, "n_workers": 1}
    one = lasso_path(mapped, Y, max_memory="20 MB", fit_intercept=True, **given)
    two = lasso_path(X, Y, fit_intercept=True, **given)
    np.testing.assert_allclose(one[0], two[0], rtol=1e-10)
    np.testing.assert_allclose(one[1], two[1], atol=1e-5)
    assert np.all(one[2] <= 1e-9)
    path = MappedPath(
        Lasso(tol=1e-9, n_workers=1, max_memory="20 MB"), mapped, Y, None
    )  # the passes that all penalties take
    path.solve([Penalty.mixed(alpha, 1.0) for alpha in one[0]])
    assert path._fit.reading.passes == 2
    with pytest.raises(ValueError, match="should be a 1d array"):
        lasso_path(mapped, np.c_[Y, Y])
    given = given | {"cv": 3, "tol": 1e-7}
    here, there = LassoCV(max_memory="20 MB", **given).fit(mapped, Y), LassoCV(**given).fit(X, Y)
    np.testing.assert_allclose(here.mse_path_, there.mse_path_, rtol=1e-3)
    assert here.alpha_ == pytest.approx(there.alpha_)
    np.testing.assert_allclose(here.coef_, there.coef_, atol=1e-3)


@compiled
def test_a_path_ends_where_memory_does(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "strads.algorithms.linear.mapped.fit.as_many", lambda order, *_: min(len(order), 4)
    )
    with pytest.warns(UserWarning, match=r"the path ends after \d of 8 penalties: .*max_memory"):
        alphas, coefs, gaps = lasso_path(
            saved(tmp_path, X, "F"), Y, alphas=8, eps=0.01, fit_intercept=True, n_workers=1
        )
    assert 0 < len(alphas) == coefs.shape[1] < 8
    assert np.all(gaps <= 1e-6)


@compiled
def test_a_loss(tmp_path: Path) -> None:
    labels = np.where(Y > np.median(Y), "yes", "no")
    mapped = saved(tmp_path, X, "F")
    shared: dict[str, Any] = {"tol": 1e-8, "n_workers": 1}
    one = SparseLogisticRegression(0.05, max_memory="20 MB", **shared).fit(mapped, labels)
    two = SparseLogisticRegression(0.05, **shared).fit(X, labels)
    assert one.certified_
    np.testing.assert_allclose(one.coef_, two.coef_, atol=1e-4)
    np.testing.assert_array_equal(one.predict(mapped), two.predict(X))
    with pytest.raises(ValueError, match="without groups"):
        SparseLogisticRegression(0.05, groups=3).fit(mapped, labels)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**31), density=st.floats(0.0, 1.0), room=st.integers(1, 2_000),
    backwards=st.booleans(), by=st.sampled_from(["columns", "rows"]), workers=st.integers(1, 3),
)  # fmt: skip
def test_a_pass_multiplies_as_numpy_does(
    seed: int, density: float, room: int, backwards: bool, by: str, workers: int
) -> None:
    """Whatever is read together, in whatever direction, by however many workers."""
    rng = np.random.default_rng(seed)
    S = sp.csc_array(np.where(rng.random((9, 7)) < density, rng.normal(size=(9, 7)), 0.0))
    S = S if S.nnz else sp.csc_array(np.eye(9, 7))
    vectors, kind = rng.normal(size=(2, 9)), ColumnPass if by == "columns" else RowPass
    with tempfile.TemporaryDirectory() as folder:
        mapped = folder_of(Path(folder), S, by)
        program: Any = kind(
            matrix=mapped, room=room, backwards=backwards, phase="products", weight=np.ones(9),
            weighted=vectors, reference=np.zeros(7), **({"centred": 0} if by == "columns" else {}),
        )  # fmt: skip
        with Engine(executor="serial") as engine:
            state = engine.run(program, workers=workers, epochs=1, align=False).state
    found = state["score" if by == "columns" else "found_score"]
    np.testing.assert_allclose(found, S.T @ vectors.T, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.processes
@compiled
@pytest.mark.parametrize("order", ["F", "C"])
def test_both_executors_map_the_file_and_have_equal_bits(tmp_path: Path, order: str) -> None:
    mapped = saved(tmp_path, X, order)
    given: dict[str, Any] = {"weight": np.ones(N), "weighted": RNG.normal(size=(1, N))}
    kind: Any = ColumnPass
    if order == "C":
        kind, given = RowPass, {**given, "reference": X.mean(axis=0)}
    states = []
    for executor in ("serial", "processes"):
        program = kind(
            matrix=mapped, room=4 * 8 * N, backwards=True, phase="statistics", total=float(N),
            centred=1, **given,
        )  # fmt: skip
        result = default_engine().run(
            program, workers=2, epochs=1, align=False, executor=executor, check=executor == "serial"
        )
        states.append(result.state)
    for name in states[0]:
        assert states[0][name].tobytes() == states[1][name].tobytes()


@compiled
@pytest.mark.parametrize(
    "kind",  # blocks of a support vector machine are compiled for it alone
    ["lasso", "path", pytest.param("svm", marks=pytest.mark.slow)],
)
def test_a_fit_that_broke_off_resumes(tmp_path: Path, kind: str) -> None:
    """Another map of the same file, of another descriptor, gives the bits of the whole fit."""
    mapped, labels = saved(tmp_path, X, "F"), Y > np.median(Y)

    def fit(matrix: Any, **more: Any) -> np.ndarray:
        shared: dict[str, Any] = {"tol": 1e-8, "n_workers": 1, **more}
        if kind == "path":
            return np.asarray(lasso_path(matrix, Y, alphas=4, **shared)[1])
        if kind == "svm":
            return np.asarray(LinearSVC(loss="hinge", C=0.01, **shared).fit(matrix, labels).coef_)
        return np.asarray(Lasso(0.3, **shared).fit(matrix, Y).coef_)

    calls = []

    def break_off(_: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("broken off")

    whole, folder = fit(mapped), tmp_path / "checkpoint"
    with pytest.raises(RuntimeError, match="broken off"):
        fit(mapped, checkpoint=folder, callbacks=break_off)
    again = map_matrix(tmp_path / "x.npy")
    assert fit(again, resume_from=folder).tobytes() == whole.tobytes()
    other = X.copy()
    other[0] = 0.0
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="cannot be resumed"):
        fit(saved(tmp_path / "other", other, "F"), resume_from=folder)


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.processes
@compiled
@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_a_file_that_is_shortened_during_a_pass(tmp_path: Path, executor: Any) -> None:
    """Every worker finds the end of the file too early; the run ends with one error."""
    mapped = saved(tmp_path, X, "F")
    program = ColumnPass(
        matrix=mapped, room=4 * 8 * N, backwards=False, phase="products", weight=np.ones(N),
        weighted=np.ones((1, N)), reference=np.zeros(P), centred=0,
    )  # fmt: skip
    os.truncate(tmp_path / "x.npy", 500)
    with pytest.raises(DataError, match=r"x\.npy .* has 500"):
        default_engine().run(program, workers=2, epochs=1, align=False, executor=executor)


def test_limits(tmp_path: Path) -> None:
    assert bytes_of("1.5 MiB") == 3 << 19
    assert bytes_of(10) == 10
    for wrong in ("much", "-1 MB", "0", "3 miles"):
        with pytest.raises(ValueError, match="max_memory"):
            bytes_of(wrong)
    mapped = saved(tmp_path, X, "F")
    with pytest.raises(InsufficientMemory, match="Raise max_memory"):
        Lasso(0.3, max_memory=10_000).fit(mapped, Y)
    with pytest.raises(ValueError, match="stays in its file"):
        Lasso(0.3, max_memory="1 GB").fit(X, Y)
    with pytest.raises(InsufficientMemory, match="16 rows"):
        LinearSVC(max_memory=10_000).fit(mapped, Y > np.median(Y))


def test_bad_input(tmp_path: Path) -> None:
    mapped = saved(tmp_path, X, "F")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        Lasso().fit(mapped, Y[:-1])
    with pytest.raises(ValueError, match="requires y"):
        Lasso().fit(mapped, None)
    holes = X.copy()
    holes[4, 7] = np.nan
    for order in ("F", "C"):
        with pytest.raises(ValueError, match=r"NaN or infinity, first in column 7"):
            Lasso(n_workers=1).fit(saved(tmp_path, holes, order), Y)
    for kind in (GroupLasso, NonconvexRegressor, SparseLogisticRegressionCV):
        with pytest.raises(TypeError, match="needs X in memory"):
            kind().fit(mapped, Y > np.median(Y))
    model = Lasso(0.3, n_workers=1).fit(saved(tmp_path, X, "F"), Y)
    with pytest.raises(ValueError, match="expecting 90 features"):
        model.predict(saved(tmp_path, X[:, :5], "F"))


def test_a_file_that_is_shortened_during_a_fit(tmp_path: Path) -> None:
    mapped = saved(tmp_path, X, "F")

    def shorten(_: Any) -> None:
        os.truncate(tmp_path / "x.npy", 500)

    with pytest.raises(DataError, match="now has 500"):
        Lasso(0.3, callbacks=shorten, n_workers=1).fit(mapped, Y)


@pytest.mark.parametrize("order", ["C", "F"])
def test_svm_by_newtons_method(tmp_path: Path, order: str) -> None:
    """Blocks of a file sorted by class; a squared loss takes few passes."""
    y = np.where(Y > np.median(Y), 1.0, -1.0)
    rank = np.argsort(y)
    dense, y = (X[rank] - 3.0)[:, :6], y[rank]
    mapped = saved(tmp_path, dense, order)
    limit = 8 * (14 * N + 70) + 8 * 49 + 24 * 512 * 7 + mapped.nbytes + 2_000
    assert len(blocks_of(mapped, limit, 1)) > 1
    model = LinearSVC(C=0.5, max_memory=limit, tol=1e-10).fit(mapped, y)
    assert model.certified_
    assert model.n_iter_ <= 12
    w, b = model.coef_[0], model.intercept_[0]
    slack = np.maximum(1.0 - y * (dense @ w + b), 0.0)  # w and b are Σ 2C slack_i y_i x_i
    np.testing.assert_allclose(w, dense.T @ (slack * y), rtol=1e-4, atol=1e-7)
    assert b == pytest.approx((slack * y).sum(), rel=1e-4)


@pytest.mark.slow  # its kernels are compiled for it alone
@compiled
def test_svm_by_blocks(tmp_path: Path) -> None:
    """Other losses, and sparse rows of either order, by block minimisation."""
    dense = (X - 3.0)[:, :6]
    labels = np.where(dense[:, 0] + RNG.normal(size=N) > 0, "b", "a")
    S = sp.csr_array(np.where(RNG.random(dense.shape) < 0.5, dense, 0.0))
    mapped = saved(tmp_path, dense, "C")
    one = LinearSVC(loss="hinge", C=0.1, tol=1e-7, max_memory="20 MB").fit(mapped, labels)
    two = sklearn.svm.LinearSVC(loss="hinge", C=0.1, tol=1e-8, max_iter=100_000).fit(dense, labels)
    assert one.certified_
    np.testing.assert_allclose(one.coef_, two.coef_, atol=2e-3)
    found = [
        LinearSVR(C=0.1, tol=1e-7, epsilon=0.1, max_memory="20 MB").fit(
            folder_of(tmp_path, S, by), Y
        )
        for by in ("rows", "columns")
    ]
    assert found[0].certified_ and found[1].certified_
    np.testing.assert_allclose(found[0].coef_, found[1].coef_, atol=2e-3)


CHILD = """
import resource, sys
import numpy as np
from strads import Lasso
from strads.datasets import map_matrix
X = map_matrix(sys.argv[1])
y = np.load(sys.argv[2])
small = map_matrix(sys.argv[3])
Lasso(0.2, n_workers=1).fit(small, y)
def pages(word):
    return int(open("/proc/self/statm").read().split()[word]) * resource.getpagesize()
limit = int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_AS, (pages(0) + limit, resource.RLIM_INFINITY))
before = pages(1)
model = Lasso(0.2, n_workers=1, max_memory=limit).fit(X, y)
print(model.verdict_, np.flatnonzero(model.coef_).tolist(), pages(1) - before)
try:
    np.array(np.load(sys.argv[1], mmap_mode="r"))
    print("copied")
except (MemoryError, OSError):
    print("refused")
"""


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@compiled
def test_a_fit_stays_below_its_limit(tmp_path: Path) -> None:
    """The address space has room for the limit only, a quarter of the file, beside its map."""
    n, p, limit = 5_000, 1_000, 10_000_000
    big = np.lib.format.open_memmap(
        tmp_path / "big.npy", "w+", np.float64, (n, p), fortran_order=True
    )
    rng = np.random.default_rng(0)
    big[:] = rng.normal(size=(n, p))
    y = big[:, :3].sum(axis=1) + 0.1 * rng.normal(size=n)
    np.save(tmp_path / "y.npy", y)
    np.save(tmp_path / "small.npy", np.asfortranarray(big[:, :20]))
    del big
    paths = [str(tmp_path / name) for name in ("big.npy", "y.npy", "small.npy")]
    told = subprocess.run(
        [sys.executable, "-c", CHILD, *paths, str(limit)], capture_output=True, text=True,
        check=False, env={**os.environ, "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    first, second = told.stdout.splitlines()
    assert first.startswith("certified [0, 1, 2] ")
    assert int(first.split()[-1]) <= limit
    assert second == "refused"

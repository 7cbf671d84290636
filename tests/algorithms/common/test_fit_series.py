"""Fits of every estimator that break off and resume, or that Ctrl-C ends."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import JIT
from sklearn.model_selection import GridSearchCV

import strads
from strads import Checkpoint, InterruptedWarning, Lasso, enet_path, svc_path
from strads.datasets import map_matrix
from strads.engine import DataError, ProgramError

pytestmark = pytest.mark.usefixtures("shared_engine")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 60))
Y = X[:, :6] @ np.full(6, 2.0) + RNG.normal(size=80)
#: As most other compiled tests store it: each way to store X is compiled anew.
STORED = sp.csc_array(X)
SPARSE = sp.random_array((120, 150), density=0.08, format="csc", rng=RNG)
OF_SPARSE = SPARSE[:, :9].sum(axis=1) + 0.1 * RNG.normal(size=120)
WIDE = RNG.normal(size=(100, 1500))
OF_WIDE = WIDE[:, :40].sum(axis=1) + RNG.normal(size=100)
TWO, THREE = (Y > 0.0).astype(int), np.digitize(Y, [-3.0, 3.0])
BOTH = np.column_stack([Y, Y + X[:, 9]])
TIES = sp.csr_array(np.kron(np.eye(5), 1.0 - np.eye(4)))  # five graphs of four sites each
COUNTS = sp.csr_array(RNG.poisson(0.6, size=(40, 30)).astype(float))
SIGNALS = COUNTS.toarray()

FOLDER = tempfile.TemporaryDirectory()  # removes itself at the end
np.save(f"{FOLDER.name}/x.npy", np.asfortranarray(X))
MAPPED = map_matrix(f"{FOLDER.name}/x.npy")

#: Estimator, parameters, and what it is fitted to.
CASES: dict[str, tuple[str, dict[str, Any], tuple[Any, ...]]] = {
    "lasso": ("Lasso", {"alpha": 0.02}, (WIDE, OF_WIDE)),
    "lasso-sparse": ("Lasso", {"alpha": 1e-4}, (SPARSE, OF_SPARSE)),
    "enet-targets": ("ElasticNet", {"alpha": 0.05}, (X, BOTH)),
    "enet-cv": ("ElasticNetCV", {"l1_ratio": [0.5, 1.0], "alphas": 6, "cv": 3}, (X, Y)),
    "lasso-cv": ("LassoCV", {"alphas": 6, "cv": 3}, (X, Y)),
    "classes": ("SparseLogisticRegression", {"alpha": 0.01}, (STORED, THREE)),
    "multinomial": (
        "SparseLogisticRegression", {"alpha": 0.02, "multi_class": "multinomial"}, (STORED, THREE)
    ),
    "groups-of-classes": ("SparseLogisticRegression", {"alpha": 0.02, "groups": 3}, (STORED, TWO)),
    "logistic-cv": ("SparseLogisticRegressionCV", {"alphas": 4, "cv": 3}, (STORED, TWO)),
    "svc": ("LinearSVC", {"tol": 1e-9}, (STORED, THREE)),
    "svc-l1": ("LinearSVC", {"penalty": "l1", "C": 0.1}, (STORED, TWO)),
    "svr": ("LinearSVR", {"tol": 1e-9}, (STORED, Y)),
    "mapped": ("Lasso", {"alpha": 0.05, "max_memory": "20 MB"}, (MAPPED, Y)),
    "mapped-svc": ("LinearSVC", {"loss": "hinge", "C": 0.02, "tol": 1e-6}, (MAPPED, TWO)),
    "mapped-newton": ("LinearSVC", {"tol": 1e-9}, (MAPPED, TWO)),
    "tasks": ("MultiTaskLasso", {"alpha": 0.05}, (STORED, BOTH)),
    "tasks-enet": ("MultiTaskElasticNet", {"alpha": 0.05}, (STORED, BOTH)),
    "groups": ("GroupLasso", {"groups": 3, "alpha": 0.05}, (STORED, Y)),
    "groups-cv": ("GroupLassoCV", {"groups": 3, "alphas": 3, "cv": 2}, (STORED, Y)),
    "glm": ("GeneralizedLinearRegressor", {"alpha": 0.02}, (STORED, Y)),
    "concave": ("NonconvexRegressor", {"alpha": 0.2}, (STORED, Y)),
    "concave-loss": ("NonconvexRegressor", {"alpha": 0.2, "loss": "huber"}, (STORED, Y)),
    "factors": ("MatrixFactorization", {"n_components": 4, "max_iter": 6}, (COUNTS,)),
    "factors-als": (
        "MatrixFactorization",
        {"n_components": 4, "solver": "als", "max_iter": 9, "early_stopping": True},
        (COUNTS,),
    ),
    "implicit": ("ImplicitFactorization", {"n_components": 4, "max_iter": 5}, (COUNTS,)),
    "nmf": ("NMF", {"n_components": 4, "max_iter": 9, "shuffle": True}, (COUNTS,)),
    "nmf-mu": ("NMF", {"n_components": 4, "solver": "mu", "max_iter": 25}, (COUNTS,)),
    "dictionary": ("DictionaryLearning", {"n_components": 5, "max_iter": 6}, (SIGNALS,)),
    "dictionary-batches": (
        "MiniBatchDictionaryLearning",
        {"n_components": 5, "max_iter": 4, "batch_size": 8, "tol": 0.0}, (SIGNALS,),
    ),
    "topics": (
        "LatentDirichletAllocation",
        {"n_components": 3, "max_iter": 24, "evaluate_every": 4, "perp_tol": 0.05,
         "optimize_priors": True},
        (COUNTS,),
    ),
    "medlda": ("MedLDA", {"n_components": 4, "max_iter": 6}, (COUNTS, np.arange(40) % 3)),
    "medlda-gibbs": (
        "MedLDA", {"n_components": 4, "max_iter": 6, "method": "gibbs"}, (COUNTS, np.arange(40) % 3)
    ),
    "graph": (
        "GraphSampler", {"n_sweeps": 9, "burn_in": 3, "thin": 2, "n_chains": 2},
        (TIES, np.arange(20) % 3 - 1.0),
    ),
    "graph-states": ("GraphSampler", {"n_states": 3, "n_sweeps": 6, "burn_in": 2}, (TIES,)),
    "machine": ("BoltzmannMachine", {"n_chains": 8, "max_iter": 6}, (X[:, :5],)),
    "glasso": ("GraphicalLasso", {"alpha": 0.1, "tol": 1e-7}, (X,)),
    "glasso-cv": ("GraphicalLassoCV", {"alphas": 2, "n_refinements": 2, "cv": 2}, (X,)),
    "neighbours": ("NeighbourhoodSelection", {"alpha": 0.2}, (X,)),
    "concord": ("CONCORD", {"alpha": 0.4}, (X,)),
}  # fmt: skip


#: One of each family of programs, and a search.
BY_DAY = ["lasso", "lasso-cv", "multinomial", "svc", "mapped", "tasks", "factors", "factors-als",
          "dictionary", "topics", "medlda", "graph", "glasso"]  # fmt: skip


def nightly(cases: Iterable[str]) -> list[Any]:
    """Mark the cases that run at night, since they compile programs for themselves."""
    return [pytest.param(c, marks=() if c in BY_DAY else pytest.mark.slow) for c in cases]


#: Without the JIT a few, as kernels are slow then.
NAMES = nightly(CASES) if JIT else ["lasso", "groups", "nmf-mu"]
compiled = pytest.mark.skipif(not JIT, reason="takes too long without the JIT")


class Broken(Exception):
    """A fit is to break off."""


def made(case: str, **more: Any) -> Any:
    name, parameters, _ = CASES[case]
    return getattr(strads, name)(**parameters, **more)


def fit(case: str, at: int = 0, call: Callable[[], Any] | None = None, **more: Any) -> Any:
    """Fit, and call something in step `at`; ``steps_`` counts the steps."""
    numbers = itertools.count(1)
    seen = [0]

    def look(step: Any) -> None:
        seen[0] = next(numbers)
        if seen[0] == at and call is not None:
            call()

    model = made(case, callbacks=look, **more)
    try:
        return model.fit(*CASES[case][2])
    finally:
        model.steps_ = seen[0]
        LAST[:] = [model]


LAST: list[Any] = []


def break_off() -> None:
    raise Broken


def strike() -> None:
    signal.raise_signal(signal.SIGINT)


def same(one: Any, other: Any) -> bool:
    if sp.issparse(one):
        return same([one.data, one.indices, one.indptr], [other.data, other.indices, other.indptr])
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


def dense(matrix: Any) -> Any:
    return matrix.toarray() if sp.issparse(matrix) else matrix


def assert_same(one: Any, other: Any) -> None:
    names = [n for n in vars(one) if n.endswith("_") and n not in ("statistics_", "steps_")]
    assert [n for n in names if not same(getattr(one, n), getattr(other, n))] == []


@pytest.fixture(autouse=True)
def the_handler_is_put_back() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.compiled
@pytest.mark.parametrize("case", NAMES)
def test_a_fit_that_broke_off_has_the_bits_of_an_undisturbed_one(case: str, tmp_path: Path) -> None:
    whole = fit(case)
    at = int(np.random.default_rng(len(case)).integers(1, whole.steps_ + 1))
    again = {"checkpoint": tmp_path / "fit", "resume_from": tmp_path / "fit"}
    with pytest.raises(Broken):
        fit(case, at, break_off, **again)
    resumed = fit(case, **again)
    assert resumed.steps_ == whole.steps_ - at + 1
    assert_same(whole, resumed)
    finished = fit(case, resume_from=str(tmp_path / "fit"))
    assert finished.steps_ == 0
    assert_same(whole, finished)


@compiled
def test_paths_resume(tmp_path: Path) -> None:
    again = {"checkpoint": tmp_path / "path", "resume_from": tmp_path / "path"}
    whole = enet_path(X, Y, alphas=8)
    steps = itertools.count(1)

    def fails(step: Any) -> None:
        if next(steps) == 9:
            raise Broken

    with pytest.raises(Broken):
        enet_path(X, Y, alphas=8, callbacks=fails, **again)
    assert same(whole, enet_path(X, Y, alphas=8, **again))
    costs = [0.1, 1.0, 10.0]
    machines = svc_path(STORED, TWO, Cs=costs)
    again = {"checkpoint": tmp_path / "svc", "resume_from": tmp_path / "svc"}
    steps = itertools.count(8)
    with pytest.raises(Broken):
        svc_path(STORED, TWO, Cs=costs, callbacks=fails, **again)
    assert same(list(machines), list(svc_path(STORED, TWO, Cs=costs, **again)))


# -- what may differ ---------------------------------------------------------------------------


def test_another_fit_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "fit"
    Lasso(0.1, checkpoint=folder).fit(X, Y)
    for other, data, named in (
        (Lasso(0.2), (X, Y), "alpha is 0.2 here, 0.1 in the checkpoints"),
        (Lasso(0.1, tol=1e-9), (X, Y), "tol is 1e-09 here"),
        (Lasso(0.1), (X, 2.0 * Y), "y or other data is"),
        (Lasso(0.1), (2.0 * X, Y), "data 'X' is not what it was"),
        (strads.ElasticNet(0.1, l1_ratio=1.0), (X, Y), "the estimator is 'ElasticNet'"),
    ):
        with pytest.raises(ProgramError, match=named):
            other.set_params(resume_from=folder).fit(*data)
    with pytest.raises(DataError, match="holds no checkpoints of a fit"):
        Lasso(0.1, resume_from=tmp_path / "none").fit(X, Y)
    Lasso(0.1, resume_from=folder, on_interrupt="return").fit(X, Y)


def test_one_of_two_descriptions_may_be_damaged(tmp_path: Path) -> None:
    Lasso(0.1, checkpoint=tmp_path).fit(X, Y)
    _flip_a_bit(tmp_path / "series.ckpt")
    with pytest.warns(
        RuntimeWarning, match=r"series\.ckpt cannot be read.*series-copy\.ckpt is us"
    ):
        Lasso(0.1, resume_from=tmp_path).fit(X, Y)
    _flip_a_bit(tmp_path / "series-copy.ckpt")
    with pytest.raises(DataError, match=r"series\.ckpt cannot be read"):
        Lasso(0.1, resume_from=tmp_path).fit(X, Y)
    (tmp_path / "series.ckpt").unlink()
    with pytest.raises(DataError, match=r"series-copy\.ckpt cannot be read"):
        Lasso(0.1, resume_from=tmp_path).fit(X, Y)
    (tmp_path / "series-copy.ckpt").unlink()
    with pytest.raises(DataError, match=r"series\.ckpt is missing"):
        Lasso(0.1, resume_from=tmp_path).fit(X, Y)


def _flip_a_bit(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)


def test_a_longer_fit_may_resume(tmp_path: Path) -> None:
    again = {"checkpoint": tmp_path / "fit", "resume_from": tmp_path / "fit"}
    short = {"n_components": 3, "tol": 0.0, "random_state": 1}
    strads.NMF(max_iter=3, **short, **again).fit(COUNTS)
    whole = strads.NMF(max_iter=7, **short).fit(COUNTS)
    assert_same(whole, strads.NMF(max_iter=7, **short, **again).fit(COUNTS))


def test_a_search_begins_each_fit_afresh(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    asked = Checkpoint(tmp_path / "fit", every=2, keep=1)
    search = GridSearchCV(Lasso(checkpoint=asked), {"alpha": [0.1, 0.5]}, cv=3).fit(X, Y)
    plain = GridSearchCV(Lasso(), {"alpha": [0.1, 0.5]}, cv=3).fit(X, Y)
    assert_same(plain.best_estimator_, search.best_estimator_)
    kept = sorted(path.name for path in (tmp_path / "fit").rglob("*.ckpt"))
    assert len(kept) == 3 and kept[:2] == ["series-copy.ckpt", "series.ckpt"]
    nested: list[Any] = []

    def within(step: Any) -> None:
        with pytest.raises(ProgramError, match="still going on"):
            Lasso(0.1, checkpoint=tmp_path / "fit").fit(X, Y)
        nested.append(Lasso(0.1, checkpoint=tmp_path / "other").fit(X, Y))

    Lasso(0.1, callbacks=within, checkpoint=tmp_path / "fit").fit(X, Y)
    assert_same(Lasso(0.1).fit(X, Y), nested[0])


# -- Ctrl-C ------------------------------------------------------------------------------------

#: Cases whose fit makes a model after an interrupt, one of each kind.
MODELS = (
    "lasso", "classes", "multinomial", "groups-of-classes", "svc-l1", "svr", "tasks", "concave",
    "factors-als", "nmf-mu", "dictionary", "topics",
)  # fmt: skip


@compiled
@pytest.mark.parametrize("case", nightly(MODELS))
def test_an_interrupted_fit_has_its_model_and_can_go_on(case: str, tmp_path: Path) -> None:
    whole = fit(case)
    again = {"checkpoint": tmp_path / "fit", "resume_from": tmp_path / "fit"}
    with pytest.raises(KeyboardInterrupt):
        fit(case, 1, strike, **again)
    (model,) = LAST
    assert model.steps_ <= whole.steps_
    if hasattr(model, "coef_"):
        assert model.verdict_ in ("interrupted", whole.verdict_)
        assert model.coef_.shape == whole.coef_.shape
    assert_same(whole, fit(case, **again))


@pytest.mark.compiled
def test_the_gap_of_an_interrupted_fit_is_true() -> None:
    with pytest.warns(InterruptedWarning) as caught:
        model = fit("lasso", 1, strike, on_interrupt="return")
    assert len(caught) == 1 and caught[0].filename == __file__
    assert model.verdict_ == "interrupted" and not model.certified_ and model.steps_ == 2
    r = OF_WIDE - model.predict(WIDE)
    objective = float(r @ r) / (2 * len(r)) + 0.02 * float(np.abs(model.coef_).sum())
    best = fit("lasso")
    r = OF_WIDE - best.predict(WIDE)
    least = float(r @ r) / (2 * len(r)) + 0.02 * float(np.abs(best.coef_).sum())
    scale = float(np.square(OF_WIDE - OF_WIDE.mean()).sum()) / (2 * len(r))
    assert 0.0 < objective - least <= model.dual_gap_ * scale


def test_the_second_acts_at_once_and_the_next_fit_works() -> None:
    def twice() -> None:
        strike()
        strike()
        raise AssertionError("the second was lost")

    with pytest.raises(KeyboardInterrupt):
        fit("lasso", 2, twice)
    assert LAST[0].steps_ == 2 and not hasattr(LAST[0], "coef_")
    assert fit("lasso").verdict_ == "certified"


def test_each_class_has_a_model_after_an_interrupt() -> None:
    with pytest.warns(InterruptedWarning):
        model = fit("classes", 1, strike, on_interrupt="return")
    assert model.coef_.shape == (3, X.shape[1]) and model.steps_ == 4  # 2, then 1 a class
    assert model.verdict_ == "interrupted"


@compiled
@pytest.mark.parametrize("case", nightly(["enet-cv", "lasso-cv", "logistic-cv"]))
@pytest.mark.parametrize("mode", ["raise", "return"])
def test_a_search_without_a_model_raises(case: str, mode: str, tmp_path: Path) -> None:
    again = {"checkpoint": tmp_path / "fit", "resume_from": tmp_path / "fit"}
    with pytest.raises(KeyboardInterrupt):
        fit(case, 3, strike, on_interrupt=mode, **again)
    assert LAST[0].steps_ == 4 and not hasattr(LAST[0], "coef_")
    if mode == "raise":
        assert_same(fit(case), fit(case, **again))


def test_loops_and_grids_stop_too() -> None:
    fits = itertools.count(1)

    def look(step: Any) -> None:
        if next(fits) == 3:
            strike()

    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(Lasso(callbacks=look), {"alpha": [0.1, 0.5, 0.6]}, cv=3).fit(X, Y)
    with pytest.warns(InterruptedWarning):
        fits = itertools.count(1)
        alphas, coefs, _ = enet_path(X, Y, alphas=8, callbacks=look, on_interrupt="return")
    assert 1 <= len(alphas) == coefs.shape[1] < 8


def test_a_handler_of_the_users_is_called_after_the_fit() -> None:
    before = signal.getsignal(signal.SIGINT)
    calls: list[int] = []
    signal.signal(signal.SIGINT, lambda *_: calls.append(os.getpid()))
    try:
        model = fit("lasso", 1, strike)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 1 and model.verdict_ == "interrupted"


# -- another number of workers -------------------------------------------------------------------


@compiled
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("case", nightly([*BY_DAY, "lasso-sparse"]))
def test_a_fit_resumes_with_another_number_of_workers(case: str, tmp_path: Path) -> None:
    whole = fit(case, n_workers=1)
    at = max(1, whole.steps_ // 2)
    with pytest.raises(Broken):
        fit(case, at, break_off, checkpoint=tmp_path, n_workers=1)
    model = fit(case, checkpoint=tmp_path, resume_from=tmp_path, n_workers=2)
    for name in ("verdict_", "alpha_", "l1_ratio_"):
        assert same(getattr(model, name, 0), getattr(whole, name, 0))
    if hasattr(model, "dual_gap_"):
        assert np.all(np.asarray(model.dual_gap_) <= getattr(model, "transform_tol", model.tol))
        found, expected = (dense(getattr(m, "coef_", getattr(m, "precision_", 0)))
                            for m in (model, whole))  # fmt: skip
        np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
    if hasattr(model, "topic_counts_"):
        np.testing.assert_array_equal(model.topic_counts_.sum(axis=1), COUNTS.sum(axis=0))
        assert model.n_iter_ == whole.n_iter_
    if hasattr(model, "energies_"):
        of_last = [-0.5 * s @ TIES @ s - CASES[case][2][1] @ s for s in model.states_.astype(int)]
        np.testing.assert_allclose(model.energies_[-1], of_last)
        assert model.n_samples_ == whole.n_samples_
    if hasattr(model, "history_") and "objective" in (whole.history_ or [{}])[-1]:
        last, expected = model.history_[-1]["objective"], whole.history_[-1]["objective"]
        assert last <= expected + 0.1 * abs(expected)


@compiled
@pytest.mark.parametrize("case", nightly(["classes", "multinomial", "glm", "groups-of-classes"]))
def test_a_fit_that_had_ended_keeps_its_intercepts(case: str, tmp_path: Path) -> None:
    whole = fit(case, checkpoint=tmp_path, n_workers=2)
    again = fit(case, resume_from=tmp_path, n_workers=1)
    for name in ("coef_", "intercept_", "dual_gap_"):
        assert same(np.asarray(getattr(again, name)), np.asarray(getattr(whole, name)))

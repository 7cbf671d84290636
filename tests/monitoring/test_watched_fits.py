"""The parameters `verbose`, `run_dir` and `max_seconds`, and scikit-learn's callbacks."""

import json
import logging
import os
import sys
import warnings

import numba
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

import strads
from strads.algorithms.common import fit_tasks
from strads.engine import DataError
from strads.monitoring import RunFolder, news, read_events

RNG = np.random.default_rng(0)
X = np.asfortranarray(RNG.normal(size=(40, 12)))
TARGET = X[:, 0] - X[:, 1] + 0.1 * RNG.normal(size=40)
LABELS = (TARGET > 0).astype(int)
BOTH = np.column_stack([TARGET, -TARGET])
COUNTS = RNG.integers(1, 5, size=(14, 9))
ONE = {"n_workers": 1}
#: Every estimator, as it is tried, and its target.
FITS = {
    "Lasso": (strads.Lasso(0.01, **ONE), X, TARGET),
    "ElasticNet": (strads.ElasticNet(0.01, **ONE), X, TARGET),
    "LassoCV": (strads.LassoCV(alphas=3, cv=2, **ONE), X, TARGET),
    "ElasticNetCV": (strads.ElasticNetCV(alphas=3, cv=2, **ONE), X, TARGET),
    "SparseLogisticRegression": (strads.SparseLogisticRegression(**ONE), X, LABELS),
    "SparseLogisticRegressionCV": (
        strads.SparseLogisticRegressionCV(alphas=3, cv=2, **ONE), X, LABELS,
    ),
    "LinearSVC": (strads.LinearSVC(**ONE), X, LABELS),
    "LinearSVR": (strads.LinearSVR(**ONE), X, TARGET),
    "MultiTaskLasso": (strads.MultiTaskLasso(0.01, **ONE), X, BOTH),
    "MultiTaskElasticNet": (strads.MultiTaskElasticNet(0.01, **ONE), X, BOTH),
    "MultiTaskLassoCV": (strads.MultiTaskLassoCV(alphas=2, cv=2, **ONE), X, BOTH),
    "MultiTaskElasticNetCV": (strads.MultiTaskElasticNetCV(alphas=2, cv=2, **ONE), X, BOTH),
    "GroupLasso": (strads.GroupLasso(3, alpha=0.01, **ONE), X, TARGET),
    "GroupLassoCV": (strads.GroupLassoCV(3, alphas=2, cv=2, **ONE), X, TARGET),
    "GeneralizedLinearRegressor": (strads.GeneralizedLinearRegressor(**ONE), X, TARGET),
    "NonconvexRegressor": (strads.NonconvexRegressor(alpha=0.1, **ONE), X, TARGET),
    "MatrixFactorization": (strads.MatrixFactorization(2, max_iter=3, tol=0, **ONE), COUNTS, None),
    "ImplicitFactorization": (strads.ImplicitFactorization(2, max_iter=3, **ONE), COUNTS, None),
    "NMF": (strads.NMF(2, max_iter=3, **ONE), COUNTS, None),
    "DictionaryLearning": (strads.DictionaryLearning(2, max_iter=3, tol=0, **ONE), X, None),
    "MiniBatchDictionaryLearning": (
        strads.MiniBatchDictionaryLearning(2, max_iter=3, tol=0, **ONE), X, None,
    ),
    "LatentDirichletAllocation": (
        strads.LatentDirichletAllocation(2, max_iter=3, **ONE), COUNTS, None,
    ),
}  # fmt: skip
#: Those of which each kind of program has one: without the JIT, the others would take long.
SOME = ("Lasso", "LinearSVC", "MatrixFactorization", "LatentDirichletAllocation")
NAMES = SOME if numba.config.DISABLE_JIT else tuple(FITS)
needs_callbacks = pytest.mark.skipif(
    fit_tasks.with_callbacks is None, reason="scikit-learn has callbacks since 1.9"
)


def fitted(name, **given):
    model, data, target = FITS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(model).set_params(**given).fit(data, target)


def result_of(model):
    return model.coef_ if hasattr(model, "coef_") else model.components_ if hasattr(
        model, "components_"
    ) else model.item_factors_  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_writes_its_folder_and_has_the_same_bits(name, tmp_path):
    model = fitted(name, run_dir=tmp_path / "run")
    np.testing.assert_array_equal(result_of(model), result_of(fitted(name)))
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert events[0]["estimator"] == name and events[0]["settings"]["n_workers"] == 1
    steps = [one for one in events if one["event"] == "step"]
    runs = [one["run"] for one in events if one["event"] == "run"]
    assert runs == list(range(len(runs))) and len(runs) == events[-1]["runs"]
    assert {one["run"] for one in steps} == set(runs)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["state"] == "ended" and record["model"] == name and record["data"]
    assert record["verdict"] == events[-1]["verdict"] == getattr(
        model, "verdict_", events[-1]["verdict"]
    )  # fmt: skip
    assert events[0]["target"] == (model.tol if hasattr(model, "coef_") else None)
    loaded = type(model).load(tmp_path / "run" / "model.npz")
    np.testing.assert_array_equal(result_of(loaded), result_of(model))
    with pytest.raises(DataError, match="no run is overwritten"):
        fitted(name, run_dir=tmp_path / "run")


def test_fits_of_a_grid_make_folders_of_their_own(tmp_path):
    model, data, target = FITS["Lasso"]
    search = GridSearchCV(
        clone(model).set_params(run_dir=str(tmp_path / "runs")), {"alpha": [0.1, 0.2]}, cv=2
    )
    search.fit(data, target)
    folders = list((tmp_path / "runs").iterdir())
    assert len(folders) == 5
    assert all("model.npz" in os.listdir(folder) for folder in folders)
    fitted("Lasso", run_dir=tmp_path / "runs")
    (tmp_path / "runs").rename(tmp_path / "other")  # it holds nothing but folders of runs
    fitted("Lasso", run_dir=tmp_path / "other")
    assert len(list((tmp_path / "other").iterdir())) == 7


def test_a_fit_that_resumes_goes_on_in_its_folder(tmp_path):
    given = {
        "checkpoint": tmp_path / "saved", "resume_from": tmp_path / "saved",
        "run_dir": tmp_path / "run",
    }  # fmt: skip
    first = fitted("MatrixFactorization", max_iter=2, **given)
    again = fitted("MatrixFactorization", max_iter=4, **given)
    assert (first.n_iter_, again.n_iter_) == (2, 4)
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert [one["step"] for one in events if one["event"] == "step"] == [1, 2, 3, 4]
    assert [one["event"] for one in events].count("fit") == 2
    assert [one["step"] for one in events if one["event"] == "checkpoint"][-1] == 4
    with pytest.raises(DataError, match="no run is overwritten"):  # there is nothing to resume
        fitted("MatrixFactorization", **{**given, "resume_from": None, "checkpoint": None})


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("CV")])
def test_a_budget_ends_a_fit_with_a_model(name):
    model, data, target = FITS[name]
    model = clone(model).set_params(max_seconds=1e-9)
    if name in ("MatrixFactorization", "ImplicitFactorization", "NMF"):
        with pytest.warns(ConvergenceWarning, match="max_seconds was used up"):
            model.fit(data, target)
        assert model.n_iter_ == 1
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(data, target)
        reached = ("certified", "stationary", "max_seconds")
        assert getattr(model, "verdict_", "max_seconds") in reached
    assert np.all(np.isfinite(result_of(model)))


def test_a_budget_is_told_as_the_verdict(tmp_path):
    wide = RNG.normal(size=(30, 60))
    with pytest.warns(ConvergenceWarning, match="before it converged: max_seconds was used up"):
        model = strads.Lasso(1e-4, max_seconds=1e-9, run_dir=tmp_path / "run", **ONE).fit(
            wide, wide[:, 0]
        )
    assert model.verdict_ == "max_seconds" and not model.certified_ and model.dual_gap_ > model.tol
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert events[-1]["verdict"] == "max_seconds"


def test_a_budget_that_leaves_no_model_is_an_error():
    with pytest.raises(ValueError, match="a callback or max_seconds ended the fit before"):
        fitted("ElasticNetCV", max_seconds=1e-9)


@pytest.mark.parametrize(
    ("given", "word"),
    [({"max_seconds": 0}, "max_seconds"), ({"max_seconds": "1"}, "max_seconds"),
     ({"verbose": -1}, "verbose"), ({"run_dir": 3}, "run_dir")],
)  # fmt: skip
@pytest.mark.parametrize("name", SOME)
def test_wrong_parameters_are_named(name, given, word):
    with pytest.raises(ValueError, match=f"The '{word}' parameter of {name}"):
        fitted(name, **given)


def test_verbose_prints_to_stderr(capsys):
    fitted("MatrixFactorization", verbose=2)
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("step ") for line in lines) == 3
    assert "1 workers (serial)" in lines[0] and lines[-1].startswith("epochs after")
    fitted("MatrixFactorization", verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("step ") for line in lines) == 1  # at most one in two seconds
    fitted("MatrixFactorization")
    assert capsys.readouterr().err == ""


def test_a_fit_that_fails_says_so(tmp_path):
    def broken(step):
        raise RuntimeError("my own")

    with pytest.raises(RuntimeError, match="my own"):
        fitted("Lasso", run_dir=tmp_path / "run", callbacks=broken)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["state"], record["error"]) == ("failed", "RuntimeError: my own")
    assert "model.npz" not in os.listdir(tmp_path / "run")
    assert news._listeners == []  # all hooks are as they were
    assert news._handler not in logging.getLogger("strads").handlers
    assert warnings.showwarning is not news._warned


def test_warnings_are_events(tmp_path):
    X_, y_ = RNG.normal(size=(30, 60)), RNG.normal(size=30)
    with pytest.warns(ConvergenceWarning):
        strads.Lasso(1e-4, max_iter=1, tol=1e-12, run_dir=tmp_path / "run", **ONE).fit(X_, y_)
    events = read_events(tmp_path / "run" / "events.jsonl")
    told = [one["message"] for one in events if one["event"] == "warning"]
    assert len(told) == 1 and told[0].startswith("ConvergenceWarning: Objective did not converge")
    assert not any(one.get("printed") for one in events)  # pytest has collected it


def test_warnings_that_are_printed_are_events_that_say_so(capsys):
    def prints(told):
        print(told.message, file=sys.stderr)

    prints.__module__ = "warnings"  # as the function has that pytest has replaced
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings._showwarnmsg_impl = prints
        with news.listening(told.append, shown=False):
            warnings.warn("once", stacklevel=1)
    assert [(one["message"], one["printed"]) for one in told] == [("UserWarning: once", True)]
    assert capsys.readouterr().err.count("once") == 1


def test_copies_of_a_folder_are_not_open(tmp_path):
    folder = RunFolder(tmp_path / "run")
    model = strads.Lasso(run_dir=folder)
    assert clone(model).run_dir.given == folder.given and not clone(model).run_dir.opened


# -- scikit-learn's callbacks ----------------------------------------------------------------------


class Told:
    """Counts the tasks of a fit; stops after some."""

    def __init__(self, stop_after=None):
        self.begun = self.ended = self.set_up = self.torn_down = 0
        self.stop_after, self.subtasks = stop_after, []

    def setup(self, estimator, context):
        self.set_up += 1

    def on_fit_task_begin(self, estimator, context):
        self.begun += 1
        self.subtasks.append(context.max_subtasks)

    def on_fit_task_end(self, estimator, context):
        self.ended += 1
        return self.ended == self.stop_after

    def teardown(self, estimator, context):
        self.torn_down += 1


@needs_callbacks
@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_a_task(name):
    model, data, target = FITS[name]
    told = Told()
    model = clone(model).set_callbacks(told)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(data, target)
    assert told.set_up == told.torn_down == 1
    assert told.begun == told.ended
    steps = model.history_
    if not name.endswith("CV"):  # their history is that of the last fit
        assert told.ended == 1 + (
            len(steps) if isinstance(steps[0], dict) else sum(map(len, steps))
        )
    np.testing.assert_array_equal(result_of(model), result_of(fitted(name)))


class Asks(Told):
    """Takes what scikit-learn hands to callbacks that ask for it."""

    def on_fit_task_begin(self, estimator, context, *, X, y):
        super().on_fit_task_begin(estimator, context)
        self.X, self.y = X, y

    def on_fit_task_end(self, estimator, context, *, fitted_estimator, X):
        assert X is self.X
        self.fitted = fitted_estimator
        return super().on_fit_task_end(estimator, context)


@needs_callbacks
@pytest.mark.parametrize("name", ["Lasso", "MatrixFactorization"])
def test_callbacks_get_the_data_and_at_the_end_the_model(name):
    model, data, target = FITS[name]
    asks = Asks()
    model = clone(model).set_callbacks(asks).fit(data, target)
    assert asks.X is data and asks.y is target
    assert asks.fitted is not model
    np.testing.assert_array_equal(result_of(asks.fitted), result_of(model))


@needs_callbacks
def test_a_callback_stops_a_fit():
    model, data, _ = FITS["MatrixFactorization"]
    told = Told(stop_after=2)
    model = clone(model).set_callbacks(told).fit(data)
    assert model.n_iter_ == 2 and told.subtasks[0] == 3
    assert told.begun == told.ended == 3


@needs_callbacks
def test_a_fit_that_fails_tears_down():
    def broken(step):
        raise RuntimeError("my own")

    model, data, target = FITS["Lasso"]
    told = Told()
    model = clone(model).set_params(callbacks=broken).set_callbacks(told)
    with pytest.raises(RuntimeError, match="my own"):
        model.fit(data, target)
    assert told.set_up == told.torn_down == 1
    assert not hasattr(model, "_callback_fit_ctx")


@needs_callbacks
def test_long_fits_have_few_tasks():
    many = fit_tasks.FitTasks(None, 10**6)
    assert many._tasks <= fit_tasks.MOST and many._tasks * many._every >= 10**6
    unknown = fit_tasks.Thinning(fit_tasks.WHOLE, fit_tasks.BLOCK, fit_tasks.BLOCKS)
    assert unknown.whole + unknown.block * unknown.blocks <= fit_tasks.MOST


@needs_callbacks
def test_callbacks_of_a_grid_reach_its_fits():
    class Everywhere(Told):
        max_propagation_depth = None

    model, data, target = FITS["Lasso"]
    told = Everywhere()
    GridSearchCV(clone(model), {"alpha": [0.1, 0.2]}, cv=2).set_callbacks(told).fit(data, target)
    assert told.set_up == told.torn_down == 1 and told.begun == told.ended
    assert told.ended > 2 * 2 + 1


@needs_callbacks
def test_the_progress_bar_of_scikit_learn(capsys):
    from sklearn.callback import ProgressBar

    model, data, _ = FITS["MatrixFactorization"]
    clone(model).set_callbacks(ProgressBar()).fit(data)
    assert "100%" in capsys.readouterr().out

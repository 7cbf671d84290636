"""The Lasso's benchmarks run on tiny data; planted designs are what they say; the judge agrees."""

from importlib.util import find_spec

import numba
import numpy as np
import pytest

from bench import evidence
from bench.first import latency
from bench.groups import command as groups
from bench.groups import judge as judge_of_groups
from bench.groups.problem import WIDTHS, Groups, grouped, stored
from bench.large import __main__ as large
from bench.large import planted, tables
from bench.large.problem import Planted
from bench.lasso import __main__ as lasso
from bench.lasso import agreement, judge, scaling
from bench.lasso.data import Dataset
from bench.linear import command as linear
from bench.logistic import command as logistic
from bench.logistic import judge as judge_of_labels
from bench.multinomial import command as multinomial
from bench.multinomial import judge as judge_of_classes
from bench.multinomial.problem import Multinomial, labelled
from bench.svm import command as svm
from bench.svm.judge import Objective


def test_race(capsys):
    rows = lasso.main(tiny=True, no_cold=True, exact=True, intercept=["yes", "no"], alphas=[10.0],
                      repeats=1, peers=["sklearn"])  # fmt: skip
    assert [row["solver"] for row in rows] == 2 * ["strads-1", "strads-2", "sklearn"]
    assert all(row["reached"] and row["off"] < 1e-3 and row["warm"] > 0.0 for row in rows)
    assert "no intercept" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["path", "cv"])
def test_grids_of_penalties(kind, capsys):
    given = {"points": 3, "eps": 0.1, "l1_ratio": [0.5], "folds": 2, "peers": ["sklearn"]}
    rows = linear.main(kind, tiny=True, repeats=1, workers=[1], **given)
    assert [row["solver"] for row in rows] == ["strads-1", "sklearn"]
    assert all(row["reached"] and row["warm"] > 0.0 for row in rows)
    assert "l1_ratio 0.5" in capsys.readouterr().out


def test_logistic_regression(capsys):
    given = {"tiny": True, "repeats": 1, "divisor": [10.0], "workers": [1]}
    rows = logistic.main(**given, intercept=False, peers=["liblinear"])
    assert [row["solver"] for row in rows] == ["strads-1", "liblinear"]
    assert all(row["reached"] and row["warm"] > 0.0 for row in rows)
    assert "no intercept" in capsys.readouterr().out
    rows = logistic.main(**given, peers=["liblinear"])
    assert [row["solver"] for row in rows] == ["strads-1"]
    assert "skipped: liblinear penalises the intercept" in capsys.readouterr().out


def test_the_judge_of_logistic_regression():
    X, y = np.array([[1.0], [-1.0], [2.0], [0.5]]), np.array([1.0, -1.0, 1.0, -1.0])
    for intercept in (True, False):
        largest = judge_of_labels.alpha_max(X, y, fit_intercept=intercept)
        given = {"alpha": largest, "fit_intercept": intercept}
        none = judge_of_labels.judge(X, y, np.zeros(1), 0.0, **given)
        assert abs(none.gap) < 1e-12
        assert judge_of_labels.judge(X, y, np.ones(1), 0.0, **given).gap > 0.1


@pytest.mark.parametrize("intercept", [True, False])
def test_multinomial_logistic_regression(intercept, capsys):
    given = {"tiny": True, "repeats": 1, "workers": [1], "peers": ["saga"]}
    rows = multinomial.main(**given, gap=[1e-3], intercept=intercept)
    assert [row["solver"] for row in rows] == ["strads-1", "saga"]
    assert all(row["reached"] and row["warm"] > 0.0 for row in rows)
    printed = capsys.readouterr().out
    assert "4 classes" in printed
    assert ("no intercept" in printed) != intercept


@pytest.mark.parametrize("intercept", [True, False])
def test_the_judge_of_several_classes(intercept):
    X, y = labelled("tiny", True)
    largest = judge_of_classes.alpha_max(X, y, fit_intercept=intercept)
    shares = judge_of_classes.shares(np.eye(4)[y], intercept)
    coef, free = np.zeros((4, X.shape[1])), np.log(shares)
    for share, least, most in ((1.0, -1e-12, 1e-12), (0.9, 1e-3, 1.0)):
        given = {"alpha": share * largest, "fit_intercept": intercept}
        none = judge_of_classes.judge(X, y, coef, free if intercept else np.zeros(4), **given)
        assert least <= none.gap <= most


@pytest.mark.parametrize("intercept", [True, False])
def test_the_gap_of_several_classes_is_never_less_than_how_far_a_model_is_off(intercept):
    problem, rng = Multinomial("tiny", 10.0, intercept, True), np.random.default_rng(0)
    X, y = problem.load()

    def objective(coef, b):
        f = X @ coef.T + b
        losses = np.logaddexp.reduce(f, axis=1) - f[np.arange(len(y)), y]
        return losses.mean() + problem.alpha * np.abs(coef).sum()

    best = problem.start("strads-1", {"tol": 1e-9})()
    least, at_zero = objective(best.coef, best.intercept), np.log(4.0)  # classes are quarters
    assert -1e-12 <= problem.judge(best, {})["value"] <= 1e-9
    for size in (1e-4, 1e-2, 1.0, 100.0):
        coef = best.coef * (1.0 + size * rng.normal(size=best.coef.shape))
        b = best.intercept + intercept * size * rng.normal(size=4)
        found = problem.judge(best._replace(coef=coef, intercept=b), {})["value"]
        assert found >= (objective(coef, b) - least) / at_zero > 0.0
    with pytest.raises(ValueError, match="without any"):
        judge_of_classes.judge(X, y, best.coef, np.ones(4), alpha=1.0, fit_intercept=False)


def test_points_of_which_classes_do_not_sum_to_zero_are_balanced():
    one_hot = np.eye(3)[[0, 1, 1, 2, 2, 2]]
    for p in ([0.3, 0.3, 0.4], [0.9, 0.05, 0.05]):  # the second is too far off to keep any of it
        theta = judge_of_classes.balanced(one_hot - p, one_hot)
        np.testing.assert_allclose(theta.sum(axis=0), 0.0, atol=1e-15)
        np.testing.assert_allclose(theta.sum(axis=1), 0.0, atol=1e-15)
        assert (one_hot - theta).min() >= 0.0


def test_group_and_multi_task_lasso(capsys):
    given = {"tiny": True, "repeats": 1, "divisor": [10.0], "workers": [1]}
    rows = groups.main(**given, peers=["skglm", "sklearn"])
    ran = [("groups", "strads-1"), ("groups", "skglm"),
           ("tasks", "strads-1"), ("tasks", "skglm"), ("tasks", "sklearn")]  # fmt: skip
    ran = [each for each in ran if each[1] != "skglm" or find_spec("skglm")]
    assert [(row["kind"], row["solver"]) for row in rows] == ran
    assert all(row["reached"] and row["warm"] > 0.0 and row["active"] > 3 for row in rows)
    printed = capsys.readouterr().out
    assert "skipped: scikit-learn has no group Lasso" in printed
    assert "groups of 5" in printed
    assert "3 tasks" in printed


@pytest.mark.parametrize("kind", WIDTHS)
def test_the_gap_of_groups_is_never_less_than_how_far_a_model_is_off(kind):
    problem, rng = Groups(kind, "tiny", 10.0), np.random.default_rng(0)
    (X, Y), width, n = problem.load(), problem.width, 60
    at_zero = np.square(Y - Y.mean(axis=0)).sum() / (2 * n)

    def objective(coef, b):
        blocks = coef.T.reshape(-1, width * len(coef))
        loss = np.square(Y - X @ coef.T - b).sum() / (2 * n)
        return loss + problem.alpha * np.linalg.norm(blocks, axis=1).sum()

    best = problem.start("strads-1", {"tol": 1e-9})()
    least = objective(best.coef, best.intercept)
    assert -1e-12 <= problem.judge(best, {})["value"] <= 1e-9
    for size in (1e-4, 1e-2, 1.0, 100.0):
        coef = best.coef * (1.0 + size * rng.normal(size=best.coef.shape))
        b = best.intercept + size * rng.normal(size=len(coef))
        found = problem.judge(best._replace(coef=coef, intercept=b), {})["value"]
        assert found >= (objective(coef, b) - least) / at_zero > 0.0
    broken = best._replace(coef=np.full_like(best.coef, np.nan))
    assert problem.judge(broken, {})["value"] == np.inf


@pytest.mark.parametrize("kind", WIDTHS)
def test_the_judge_of_groups_knows_the_largest_penalty(kind):
    (X, Y), width = grouped("tiny", kind), WIDTHS[kind]
    centred = (X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0))
    largest = judge_of_groups.alpha_max(X, Y, width)
    by_group = centred.reshape(-1, width * Y.shape[1])
    assert largest == pytest.approx(np.linalg.norm(by_group, axis=1).max() / len(Y))
    coef = np.zeros((Y.shape[1], X.shape[1]))
    for share, least, most in ((1.0, -1e-12, 1e-12), (0.9, 1e-3, 1.0)):
        given = {"alpha": share * largest, "width": width}
        assert least <= judge_of_groups.judge(X, Y, coef, Y.mean(axis=0), **given).gap <= most


def test_classes_become_tasks_and_columns_fill_groups(monkeypatch):
    X, y = np.ones((4, 12)), np.array([3.0, 5.0, 3.0, 9.0])
    monkeypatch.setattr("bench.groups.problem.dataset", lambda name: Dataset(X, y))
    np.testing.assert_array_equal(stored("any", "tasks").y, np.eye(3)[[0, 1, 0, 2]])
    assert stored("any", "groups").X.shape == (4, 10)
    assert stored("any", "groups").y.shape == (4, 1)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "squared_epsilon_insensitive"])
def test_support_vector_machines(loss, capsys):
    given = {"tiny": True, "repeats": 1, "workers": [1], "peers": ["liblinear-dual"]}
    rows = svm.main(**given, loss=[loss], intercept=loss == "hinge")
    assert [row["solver"] for row in rows] == ["strads-1", "liblinear-dual"]
    assert all(row["reached"] and row["warm"] > 0.0 for row in rows)
    assert loss in capsys.readouterr().out


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "epsilon_insensitive"])
def test_the_judge_of_support_vector_machines(loss):
    X, t = np.array([[1.0], [-1.0], [2.0], [0.5]]), np.array([1.0, -1.0, 1.0, -1.0])
    objective, rng = Objective(0.7, loss, 0.1), np.random.default_rng(0)
    assert objective.primal(X, t, np.zeros(1), 0.0) > 0.0
    for _ in range(20):
        beta = 0.7 * t * rng.random(4)
        bound = objective.dual(X, t, beta, fit_intercept=True)
        assert bound <= objective.primal(X, t, rng.normal(size=1), rng.normal())
    assert (objective.dual(X, t, 2.0 * t, fit_intercept=True) == -np.inf) != objective.squared


def test_latency(capsys):
    rows = latency.main(tiny=True, repeats=1)
    assert [row["process"] for row in rows] == ["python -c pass", "strads --version"]
    assert all(row["median"] > 0.0 for row in rows)
    assert "whole processes" in capsys.readouterr().out


def test_agreement(capsys):
    rows = agreement.main(tiny=True, alphas=[10.0])
    assert {"dense-1", "dense-2", "sparse-1", "sparse-2"} <= set(rows[0])
    assert rows[0]["gap"] <= 1e-6
    assert "α_max/10" in capsys.readouterr().out


def test_scaling(capsys):
    rows = scaling.main(tiny=True, alphas=[10.0], repeats=1)
    assert rows[-1]["phase"] == "sum"
    assert rows[-1]["two"] > 0.0
    assert all(0.0 <= row["shared"] <= 1.0 for row in rows if "shared" in row)
    assert "64 workers" in capsys.readouterr().out


def test_a_smaller_design_is_the_beginning_of_a_larger_one(monkeypatch):
    monkeypatch.setattr(planted, "CHUNK", 300)
    monkeypatch.setattr(planted.os, "cpu_count", lambda: 1)  # other processes have no such chunks
    few = planted.load(500, rows=200)
    assert np.array_equal(few.X.toarray(), planted.load(1000, rows=200).X[:, :500].toarray())
    where, values = planted.draw_chunk(1, 200, 200, 0)
    assert np.array_equal(values.ravel(), few.X.data[300 * planted.NONZEROS :])
    assert np.array_equal(where.ravel(), few.X.indices[300 * planted.NONZEROS :])


def test_columns_and_noise():
    X, y, ids, weights = planted.load(2000, rows=300)
    assert X.has_canonical_format
    assert X.indices.dtype == np.int32
    assert np.all(np.diff(X.indices.reshape(-1, planted.NONZEROS), axis=1) > 0)
    assert np.allclose(np.square(X.data.reshape(-1, planted.NONZEROS)).sum(axis=1), 1.0)
    signal = X[:, ids] @ weights
    assert np.linalg.norm(signal) / np.linalg.norm(y - signal) == pytest.approx(3.0)


def test_blocks_of_columns_do_not_change_the_verdict(monkeypatch):
    X, y, ids, weights = planted.load(500, rows=200)
    alpha = judge.alpha_max(X, y, fit_intercept=False) / 20
    coef = np.zeros(500)
    coef[ids] = 0.7 * weights
    whole = judge.judge(X, y, coef, alpha=alpha, fit_intercept=False)
    monkeypatch.setattr(judge, "BLOCK", 37)
    assert judge.alpha_max(X, y, fit_intercept=False) / 20 == alpha
    for same in (X, X.tocsr(), X.toarray()):
        found = judge.judge(same, y, coef, alpha=alpha, fit_intercept=False)
        assert found.gap == pytest.approx(whole.gap)
        assert found.nonzeros == whole.nonzeros


def test_line_on_paper():
    x = np.array([1e5, 1e6, 1e7])
    assert tables.line(x, 3.0 + 2e-6 * x) == pytest.approx((3.0, 2e-6))
    assert tables.wider_bytes(10_000_000) == 0
    assert tables.wider_bytes(100_000_000) == 4 * (26 * 100_000_000 + 1)


@pytest.mark.slow  # each fit is a process of its own
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics")
def test_large(tmp_path, capsys):
    given = {"tiny": True, "columns": [2000], "divisors": [10.0], "out": tmp_path}
    (trial,) = large.main("fit", workers=[2], **given)
    assert trial.row["outcome"] == "converged"
    assert trial.row["peak_bytes"] > 0
    assert trial.found["passes"] > 1
    assert {"leader", "worker 0", "worker 1", "scheduler"} <= set(trial.shares)
    large.main("peers", solvers=["sklearn"], **given)
    grown = large.main("growth", workers=[1], **given)
    assert len(grown) == 1 + 3
    assert all(each.found["gap"] for each in grown)
    assert "replicated" in capsys.readouterr().out
    evidence.draw_growth(tmp_path)
    assert (tmp_path / "large-growth.png").stat().st_size > 0
    text = evidence.texts(tmp_path)
    assert "strads-2 | converged" in text["fits"]
    assert set(text) == set(tables.TABLES)


def test_a_fit_beyond_its_limits_is_killed():
    planted.load(2000, rows=500)
    limits = large.Limits(minutes=30.0, gib=1e-6, interval=0.01)
    killed = large.attempt(Planted(2000, 500, 0, 10.0), "sklearn", 1e-4, limits)
    assert killed.row["outcome"] == "killed at 1e-06 GiB"

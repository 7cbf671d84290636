"""The comparisons of matrix factorisation run, on tiny ratings, with the peers that are there."""

import numpy as np
import pytest
import scipy.sparse as sp

from bench.ratings import command, large, skipping
from bench.ratings import problem as judge
from bench.ratings.data import Held, netflix
from bench.ratings.problem import Factorisation
from bench.ratings.solvers import Factors

TINY = {"tiny": True, "ranks": [8], "repeats": 1, "most": 3, "no_cold": True}


def some_factors():
    rng = np.random.default_rng(0)
    X = sp.random(30, 20, density=0.2, random_state=0, format="csr", dtype=np.float32)
    users, items = rng.standard_normal((30, 3)), rng.standard_normal((20, 3))
    return X, Factors(users.astype(np.float32), items.astype(np.float32))


def test_objective_is_that_of_all_pairs():
    X, factors = some_factors()
    dense, stored = X.toarray().astype(float), X.toarray() != 0
    W, H = factors.users.astype(float), factors.items.astype(float)
    slow = np.sum((1.0 + dense) * (stored - W @ H.T) ** 2) + 0.3 * (np.sum(W**2) + np.sum(H**2))
    assert judge.implicit_objective(factors, X, 0.3) == pytest.approx(slow)


def test_rmse_predicts_the_mean_where_nothing_was_seen():
    _, factors = some_factors()
    factors.users[4] = np.nan
    known = Factors(factors.users, factors.items, np.ones(30), None, mean=2.0, unseen=7.0)
    dot = float(factors.users[5].astype(float) @ factors.items[1].astype(float))
    held = Held(np.array([4, 5]), np.array([1, 1]), np.array([8.0, dot + 3.0]))
    assert judge.rmse(known, held) == pytest.approx(np.sqrt(0.5))


def test_ndcg_of_the_best_ranking_is_one():
    X, _ = some_factors()
    rows, columns = (X.toarray() == 0).nonzero()
    held = Held(rows[::7], columns[::7], np.ones(len(rows[::7])))
    truth = np.zeros(X.shape)
    truth[held.user, held.item] = 1.0
    assert judge.ndcg(Factors(truth, np.eye(20)), X, held) == pytest.approx(1.0)
    assert judge.ndcg(Factors(-truth, np.eye(20)), X, held) < 0.7


def test_generated_ratings():
    X, held = netflix.load(20_000)
    assert X.shape == netflix.shape(20_000)
    assert X.has_canonical_format
    assert X.nnz + len(held.user) == 20_000
    assert set(np.unique(X.data)) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert X[held.user, held.item].sum() == 0.0


@pytest.mark.parametrize("grid", [False, True])
def test_explicit(grid, capsys, need):
    need(Factorisation, "libmf", "cmfrec")
    rows = command.main("mf", grid=grid, **TINY)
    assert {row["solver"] for row in rows} >= {*command.COMPARISONS["mf"].peers}
    assert "RMSE" in capsys.readouterr().out


def test_implicit(capsys, need):
    need(Factorisation, "implicit")
    rows = command.main("implicit", **TINY)
    assert next(row for row in rows if row["solver"] == "implicit")["reached"]
    assert "objective" in capsys.readouterr().out


@pytest.mark.slow  # each fit is a process of its own
def test_ours_alone_in_a_process_and_in_two(capsys):
    tiny = {"tiny": True, "rank": 8, "iterations": 2}
    (row,) = large.main(workers=[1], **tiny)
    assert row["peak_mib"] >= row["input_mib"] > 10.0
    large.main(scaling=True, **tiny)
    assert "two processes" in capsys.readouterr().out


@pytest.mark.compiled
def test_both_schedules_reach_the_objective():
    rows = skipping.main(data="tiny", rank=4)
    assert len(rows) == 4
    assert all(row["round-robin"] <= skipping.EPOCHS for row in rows)

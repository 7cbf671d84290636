"""The comparisons of matrix factorisation run, on tiny ratings, with the peers that are there."""

import numpy as np
import pytest
import scipy.sparse as sp

from bench.compare import child, command, judge, large, netflix, race
from bench.compare.problem import Problem
from bench.compare.ratings import Held, load
from bench.compare.solver import Factors, Hung, Setting, Solver
from bench.compare.solvers import present
from bench.harness.race import fewest
from strads.engine.compiling.disk import cache_dir


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_DIR", str(cache_dir()))  # compiled code stays where it is
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _need(kind, *names):
    if present(kind, names) != [*names]:
        pytest.skip(f"not all of {names} are installed")


def _some_factors():
    rng = np.random.default_rng(0)
    X = sp.random(30, 20, density=0.2, random_state=0, format="csr", dtype=np.float32)
    users, items = rng.standard_normal((30, 3)), rng.standard_normal((20, 3))
    return X, Factors(users.astype(np.float32), items.astype(np.float32))


def test_objective_is_that_of_all_pairs():
    X, factors = _some_factors()
    dense, stored = X.toarray().astype(float), X.toarray() != 0
    W, H = factors.users.astype(float), factors.items.astype(float)
    slow = np.sum((1.0 + dense) * (stored - W @ H.T) ** 2) + 0.3 * (np.sum(W**2) + np.sum(H**2))
    assert judge.implicit_objective(factors, X, 0.3) == pytest.approx(slow)


def test_rmse_predicts_the_mean_where_nothing_was_seen():
    _, factors = _some_factors()
    factors.users[4] = np.nan
    known = Factors(factors.users, factors.items, np.ones(30), None, mean=2.0, unseen=7.0)
    dot = float(factors.users[5].astype(float) @ factors.items[1].astype(float))
    held = Held(np.array([4, 5]), np.array([1, 1]), np.array([8.0, dot + 3.0]))
    assert judge.rmse(known, held) == pytest.approx(np.sqrt(0.5))


def test_ndcg_of_the_best_ranking_is_one():
    X, _ = _some_factors()
    rows, columns = (X.toarray() == 0).nonzero()
    held = Held(rows[::7], columns[::7], np.ones(len(rows[::7])))
    truth = np.zeros(X.shape)
    truth[held.user, held.item] = 1.0
    assert judge.ndcg(Factors(truth, np.eye(20)), X, held) == pytest.approx(1.0)
    assert judge.ndcg(Factors(-truth, np.eye(20)), X, held) < 0.7


def test_fewest_iterations():
    assert fewest(lambda n: 10.0 - n, 2.0, most=60) == 8
    assert fewest(lambda n: 10.0 - n, 2.0, most=7) == 0
    assert fewest(lambda n: 0.0, 2.0, most=60) == 1


def test_a_solver_that_does_not_repeat_itself_goes_further(monkeypatch):
    luck = iter([0.0, 0.5, 0.5, 0.5, 0.5] * 2)
    problem = Problem("explicit", load("tiny"))
    monkeypatch.setattr(Problem, "fit", lambda self, name, setting: (0.1, setting.iterations))
    monkeypatch.setattr(Problem, "judged", lambda self, n, _: 10.0 - n + next(luck, 0.5))
    lap = race.Lap(data="tiny", rank=8, target="none", wanted=7.0, solver="luck",
                   regularization=0.1, iterations=3)  # fmt: skip
    race.Race(problem, most=9)._confirm(lap)
    assert lap.iterations == 4


def test_a_solver_that_hangs_is_called_again(monkeypatch):
    calls = []

    def fit(native, setting):
        calls.append(setting)
        if len(calls) < 3:
            raise Hung("asleep")
        return _some_factors()[1]

    monkeypatch.setattr(
        "bench.compare.problem.solver", lambda *_: Solver("numpy", lambda X: X, fit)
    )
    Problem("explicit", load("tiny")).fit("sleeper", Setting(8, 1, 0.1))
    assert len(calls) == 3


def test_generated_ratings():
    X, held = netflix.load(20_000)
    assert X.shape == netflix.shape(20_000)
    assert X.has_canonical_format
    assert X.nnz + len(held[0]) == 20_000
    assert set(np.unique(X.data)) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert X[held[0], held[1]].sum() == 0.0
    again = netflix._generate(20_000, 0)
    assert np.array_equal(again["data"], X.data)
    assert np.array_equal(again["indices"], X.indices)


def test_generated_ratings_can_be_learnt():
    _need("explicit", "cmfrec")
    problem = Problem("explicit", load("netflix:300000"))
    spread = float(problem.ratings.held.value.std())
    assert problem.value("cmfrec-biased", Setting(8, 5, 0.1)) < 0.95 * spread


@pytest.mark.parametrize("how", [[], ["--grid"], ["--curves"]])
def test_mf(how, capsys):
    _need("explicit", "libmf", "cmfrec")
    tiny = ["--tiny", "--ranks", "8", "--repeats", "1", "--most", "3", "--no-cold"]
    rows = command.main("mf", [*tiny, *how])
    assert {row["solver"] for row in rows} >= {*command.COMPARISONS["mf"].peers}
    assert "RMSE" in capsys.readouterr().out


def test_ours_alone(capsys):
    _need("explicit", "strads-1")
    points = command.main("mf", ["--tiny", "--curves", "--ranks", "8", "--most", "2", "--peers"])
    assert {point["solver"] for point in points} == {"strads-1", "strads-2"}
    assert "strads-2" in capsys.readouterr().out


def test_implicit(capsys):
    _need("implicit", "implicit")
    tiny = ["--tiny", "--ranks", "8", "--repeats", "1", "--most", "3", "--no-cold"]
    rows = command.main("implicit", tiny)
    assert next(row for row in rows if row["solver"] == "implicit")["reached"]
    assert "objective" in capsys.readouterr().out


def test_one_solver_in_a_process(capsys):
    _need("explicit", "libmf")
    runs = large.main(["--tiny", "--rank", "8", "--iterations", "2", "--solver", "libmf"])
    assert runs[0]["peak_mib"] > 10.0
    assert "peak" in capsys.readouterr().out


def test_a_child_that_fails_says_so():
    with pytest.raises(RuntimeError, match="nobody failed"):
        child.start("explicit", "tiny", "nobody", Setting(8, 1, 0.1), cold=True).ready()


def test_scaling(capsys):
    _need("explicit", "strads-1")
    large.main(["--tiny", "--rank", "8", "--iterations", "2", "--scaling"])
    assert "two processes" in capsys.readouterr().out

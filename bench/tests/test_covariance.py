"""The comparison of sparse graphs runs, and its judge knows what is optimal."""

import numpy as np
import pytest

from bench.covariance import command
from bench.covariance.data import power_law
from bench.covariance.problem import Graphs


@pytest.mark.parametrize("kind", ["glasso", "neighbours", "concord"])
def test_every_solver_is_judged(kind):
    peers = ["sklearn", "skglm", "gglasso", "gglasso-blocks", "rglasso", "gconcord"]
    rows = command.main(tiny=True, kind=[kind], workers=[1], peers=peers, repeats=1, gap=[1e-3])
    assert rows[0]["solver"] == "strads-1"
    assert all(row["value"] <= 1e-3 for row in rows if row["reached"])
    assert rows[0]["reached"]
    assert rows[0]["edges"] > 0


def test_a_fit_of_a_peer_that_takes_too_long_is_ended(capsys):
    rows = command.main(
        tiny=True, workers=[1], peers=["sklearn"], repeats=1, gap=[1e-2], fit_limit=1e-4
    )
    assert [row["reached"] for row in rows] == [True, False]
    assert "a fit was ended after" in capsys.readouterr().out.replace("\n", " ")


def test_the_judge_refuses_what_is_no_solution():
    problem = Graphs("tiny", "glasso", 0.5, 1e-3)
    p = len(problem.load())
    assert problem.judge(np.zeros((p, p)), {})["value"] == np.inf
    assert problem.judge(np.eye(p), {})["value"] > 1e-3
    theta = power_law(50).toarray()
    assert np.linalg.eigvalsh(theta)[0] > 0.0

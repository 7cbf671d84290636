"""The comparison of dictionary learning runs on tiny data."""

import pytest

from bench.coding import command


# Mini-batches are compiled for a third of a minute.
@pytest.mark.compiled
@pytest.mark.parametrize("batches", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_solvers_reach_the_objective_of_scikit_learn(capsys, batches):
    rows = command.main(
        tiny=True, repeats=1, workers=[1], epochs=3, peers=["sklearn-1"], batches=batches,
        alpha=0.2,
    )  # fmt: skip
    ours = ["strads-1", "strads-batches-1"] if batches else ["strads-1"]
    assert [row["solver"] for row in rows] == [*ours, "sklearn-1"]
    assert all(row["warm"] > 0.0 and row["error"] < 1e-4 for row in rows)
    assert rows[0]["reached"]
    assert rows[-1]["reached"]
    assert "400 patches of 64 pixels, 6 atoms" in capsys.readouterr().out

"""The comparison of dictionary learning runs on tiny data."""

import pytest

from bench.coding import command


@pytest.mark.compiled
def test_solvers_reach_the_objective_of_scikit_learn(capsys):
    rows = command.main(
        tiny=True, repeats=1, workers=[1], epochs=3, peers=["sklearn-1"], batches=True, alpha=0.2
    )
    assert [row["solver"] for row in rows] == ["strads-1", "strads-batches-1", "sklearn-1"]
    assert all(row["warm"] > 0.0 and row["error"] < 1e-4 for row in rows)
    assert rows[0]["reached"]
    assert rows[-1]["reached"]
    assert "400 patches of 64 pixels, 6 atoms" in capsys.readouterr().out

"""The comparison of supervised topic models runs, on tiny data."""

import pytest

from bench.medlda import command


def test_the_comparison_runs():
    rows = command.main(tiny=True)
    assert [row["solver"] for row in rows] == [*command.DEFAULT]
    assert all(row["accuracy"] > 0.7 for row in rows if row["solver"] != "topics+svm-2")
    assert rows[0]["sweep"] > 0.0
    with pytest.raises(ValueError, match="unknown solver 'forest'"):
        command.main(solvers=["forest"], tiny=True)

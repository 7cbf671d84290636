"""The Lasso benchmark runs, and its judge is content."""

from bench.lasso.__main__ import main


def test_tiny(capsys):
    rows = main(tiny=True, no_cold=True, exact=True, intercept=["yes", "no"], alphas=[10.0],
                repeats=1, peers=["sklearn"])  # fmt: skip
    assert [row["solver"] for row in rows] == 2 * ["strads-1", "strads-2", "sklearn"]
    assert all(row["reached"] and row["off"] < 1e-3 and row["warm"] > 0.0 for row in rows)
    assert "no intercept" in capsys.readouterr().out

"""The Lasso benchmark runs, and its judge is content."""

from bench.lasso import main


def test_tiny(capsys):
    entries = main(
        ["--tiny", "--no-cold", "--exact", "--intercept", "yes", "no", "--alphas", "10",
         "--repeats", "1", "--workers", "1", "2", "--peers", "sklearn"]
    )  # fmt: skip
    assert [entry.solver for entry in entries] == 2 * ["strads-1", "strads-2", "sklearn"]
    assert all(entry.reached and entry.off < 1e-3 and entry.warm for entry in entries)
    assert "no intercept" in capsys.readouterr().out

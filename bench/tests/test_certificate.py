"""The certificate's benchmark runs, and finds nothing wrong."""

from bench.lasso.certificate import main


def test_few(capsys):
    counts = main(["--examples", "2"])
    assert counts.total() >= 2
    assert not counts["wrong"]
    assert "in" in capsys.readouterr().out

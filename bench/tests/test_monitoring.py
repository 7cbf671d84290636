"""The comparison of fits that are watched with others runs, and finds equal models."""

import sys

import pytest

from bench.monitoring import __main__ as monitoring


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo terminals")
def test_watching_changes_no_bit(capsys):
    assert monitoring.main(["--tiny", "--times", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["lasso", "factorisation"]
    assert all("events took" in line for line in lines)

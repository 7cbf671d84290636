"""The benchmark of first fits runs, and an edited constant counts."""

import numba
import pytest

from bench.first_fit import main


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_tiny(capsys):
    (row,) = main(["--repeats", "1", "--workers", "1", "--kinds", "script"])
    assert row["right answers"] == "yes"
    assert row["kernels then from"] == "disk"
    assert "kernels in" in capsys.readouterr().out

"""The engine's benchmark runs; what it measures is for quiet machines."""

import numba
import numpy as np
import pytest

from bench import engine


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics")
def test_every_row_of_the_engines_benchmark_is_a_time(capsys):
    rows = engine.main(["--tiny"])
    assert len({(row.group, row.what) for row in rows}) == len(rows) > 12
    assert all(row.samples > 0 and np.isfinite([row.median, row.p99]).all() for row in rows)
    assert "written" not in capsys.readouterr().out

"""Benchmarks of models with heavy ids run, and say what they should."""

import numpy as np

from bench.groups import schedules, shares
from bench.groups.models import Model


def test_schedules_of_heavy_models(capsys):
    rows = schedules.main(models=["groups/tiny/5"], workers=[1], repeats=0)
    assert [row["schedule"] for row in rows] == list(
        schedules.schedules(Model("groups", "tiny", 5))
    )
    assert all(row["updates"] > 0 and row["gap"] <= 1e-6 for row in rows)
    assert all(np.isnan(row["median"]) for row in rows)  # nothing was timed
    assert "priority + dependency" in capsys.readouterr().out


def test_the_shared_part_of_a_fit(capsys):
    rows = shares.main(models=["tasks/tiny/5"], repeats=1)
    parts = {row["part"]: row["seconds"] for row in rows}
    assert parts["all"] > parts["alone"] > 0.0
    assert all(1.0 <= row["bound"] < 2.0 for row in rows)
    assert "at most" in capsys.readouterr().out

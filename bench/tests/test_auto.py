"""What is chosen automatically is compared with fixed settings, on tiny data."""

import numpy as np
import pytest

from bench.auto import KINDS, PROBLEMS, Course, main, row, ways


def test_there_are_ten_problems_of_the_kinds_that_can_choose():
    assert len(PROBLEMS) == 10
    assert {name.partition("-")[0] for name in PROBLEMS} == {*KINDS}


def test_a_course_says_when_a_level_was_reached():
    course = Course(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0]),
                    np.array([5.0, 3.0, 2.0]))  # fmt: skip
    assert course.at(3.0) == (2.0, 20.0)
    assert course.at(1.0) == (np.inf, np.inf)


def test_the_best_fixed_setting_is_beside_auto():
    found = [
        {"name": "a", "setting": way, "seconds": seconds, "updates": 1.0}
        for way, seconds in (("auto", 1.1), ("x, 1", 1.0), ("x, 2", np.inf))
    ]
    assert row(found)["beside"] == pytest.approx(1.1)
    assert row(found)["within"] == "yes"
    assert row(found)["which"] == "x, 1"


def test_a_tiny_factorisation_is_compared(monkeypatch):
    monkeypatch.setattr("bench.auto.ways", lambda kind: dict(list(ways(kind).items())[::2]))
    rows = main(data=["mf-tiny"], repeats=0, tiny=True)
    assert rows["name"].tolist() == ["mf-tiny"]
    assert np.isfinite(rows["auto"]).all()
    assert (rows["best_updates"] > 0).all()

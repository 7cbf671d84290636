"""The trials of survival run and find nothing; their hostile tries are always the same."""

import random
import sys
from collections import Counter

import numba
import pytest

from bench.survival import cost, deaths, fuzz, interrupts, leader, resume, soak
from bench.survival.children import Child

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]


def test_a_killed_leader_leaves_nothing(capsys):
    assert leader.main(1), capsys.readouterr().out
    assert "killed 1 times" in capsys.readouterr().out


@pytest.mark.slow  # by day `interrupts` in test_engine.py strikes fits, without new processes
def test_the_fit_after_a_ctrl_c_is_right(capsys):
    assert interrupts.main(1), capsys.readouterr().out
    assert "interrupts: 0 failures" in capsys.readouterr().out


def test_fits_survive_deaths(capsys):
    assert deaths.main(2, size=0.2, names=["topics"]), capsys.readouterr().out
    assert "0 failures; a death costs" in capsys.readouterr().out


def test_what_copies_cost(capsys):
    assert cost.main(1, nodes=2_000)
    assert "times as long" in capsys.readouterr().out


def test_flipped_bits_are_noticed():
    assert resume._accepted(20, random.Random(0)) == 0


@pytest.mark.slow
def test_a_short_soak(monkeypatch, capsys):
    monkeypatch.setattr(resume, "LONGEST_S", 4.0)  # so that the batch job is ended less often
    sound = soak.main(0.02, size=0.2, kinds=["sgd"])
    told = capsys.readouterr().out
    assert sound, told
    assert "0 failures, left: none" in told
    assert int(told.partition("soak: ")[2].partition(" fits")[0]) >= soak.FITTERS, told


def test_a_fitter_that_does_not_work_is_told(monkeypatch, capsys):
    monkeypatch.setattr(soak, "_batch", lambda *_: (Counter(), 0, []))
    monkeypatch.setattr(soak, "FITTERS", 1)
    monkeypatch.setattr(soak, "_LOAD", "")  # nothing to compete with
    assert not soak.main(0.001, kinds=["none of them"])
    assert "fitter 0 made 0 fits; exit code 1" in capsys.readouterr().out


def test_hostile_files_and_arrays(capsys):
    assert fuzz.main(20), capsys.readouterr().out
    assert ": 20 tries" in capsys.readouterr().out


def test_what_is_left_is_found():
    with Child("lasso", "until-killed") as child:
        child.line("again")
        found = child.left()
        assert sum(what.startswith("process") for what in found) >= 4
        assert "a segment" in found
    assert child.left() == []


def test_a_failure_is_told(monkeypatch, capsys):
    monkeypatch.setattr(
        fuzz, "_batch", lambda *_: iter([(0, "file x", "it burnt"), (1, "file", "")])
    )
    assert not fuzz.main(2)
    assert "try 0 of seed 0: file x: it burnt" in capsys.readouterr().out

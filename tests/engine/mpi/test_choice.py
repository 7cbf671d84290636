"""Who chooses the executor "mpi", and what happens where it cannot be had."""

from __future__ import annotations

import sys

import pytest
from programs import counting

from strads import Engine, run
from strads.engine import ProgramError, leads, rank_count
from strads.engine.mpi.ranks import job


def test_without_a_choice_there_is_one_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRADS_EXECUTOR", raising=False)
    assert rank_count() == 1
    assert leads()
    assert "mpi4py" not in sys.modules


def test_the_environment_chooses_for_who_has_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_EXECUTOR", "serial")
    with Engine(2) as engine:
        assert engine.run(counting(), epochs=1).statistics["executor"] == "serial"
    monkeypatch.setenv("STRADS_EXECUTOR", "ranks")
    with pytest.raises(ProgramError, match="STRADS_EXECUTOR='ranks' is not one of auto, serial"):
        run(counting(), epochs=1)
    with Engine(1, "serial") as engine:
        assert engine.run(counting(), epochs=1).statistics["executor"] == "serial"


def test_without_mpi4py_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    job.cache_clear()
    with pytest.raises(ProgramError, match=r"strads\[mpi\]"):
        Engine(2, "mpi").run(counting(), epochs=1)

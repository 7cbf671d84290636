"""Timed schedules: what is chosen, and that a log replaces the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.own_program import NNLS, problem
from strads import Auto, Correlation, Priority, Result, RoundRobin, Timed, iterate, run
from strads.engine import ProgramError
from strads.engine.schedules.timed.choosing import Windows
from strads.monitoring import read_events

#: Steps after which another setting is used, as a log has them.
CHOICES = [(0, "lists"), (3, "in turn"), (6, "auto"), (8, "lists")]


def settings() -> dict[str, Any]:
    coupling = Correlation("A")
    return {
        "auto": Auto("cols", coupling=coupling, lease=8),
        "lists": Priority("cols", rho=0.1, coupling=coupling, lease=8, micro=2),
        "in turn": RoundRobin("cols", lease=8, micro=2),
    }


def fitted(schedule: Timed, **options: Any) -> Result:
    A, b = problem(rows=120, cols=40)
    program = type("NNLS", (NNLS,), {"schedule": schedule})(A=A, b=b)
    return run(program, workers=2, **{"epochs": 400, "tol": 1e-8, "executor": "serial", **options})


def choices(result: Result) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = result.statistics["schedules"]["main"]["choices"]
    return found


def test_each_setting_has_a_window_and_the_fastest_is_used() -> None:
    windows = Windows(["a", "b", "c"])
    speed = {"a": 1.0, "b": 3.0, "c": 2.0}
    used = [windows.used]
    for _ in range(25):
        used.append(windows.ended(speed[windows.used]))
    assert "".join(used) == "abc" + "bbbb" + "a" + "bbbbbbbb" + "c" + "b" * 9
    speed["a"] = 4.0
    for _ in range(20):
        used.append(windows.ended(speed[windows.used]))
    assert windows.best == "a"


def test_a_log_replaces_the_clock() -> None:
    first = fitted(Timed("cols", settings(), window=1))
    assert first.status == "converged"
    assert {name for _, name in choices(first)} >= {"lists", "in turn"}
    again = fitted(Timed("cols", settings(), choices=choices(first)))
    assert choices(again) == choices(first)
    assert again.history == first.history
    assert again.state["w"].tobytes() == first.state["w"].tobytes()


@pytest.mark.processes
def test_a_log_gives_the_same_bits_on_processes(shared_engine: Any) -> None:
    given = Timed("cols", settings(), choices=CHOICES)
    alone, several = fitted(given), fitted(given, executor="processes")
    assert choices(several) == CHOICES
    assert several.history == alone.history
    assert several.state["w"].tobytes() == alone.state["w"].tobytes()


def test_a_resumed_run_keeps_its_log(tmp_path: Path) -> None:
    A, b = problem(rows=120, cols=40)
    kind = type("NNLS", (NNLS,), {"schedule": Timed("cols", settings(), choices=CHOICES)})
    with iterate(kind(A=A, b=b), workers=2, epochs=7, executor="serial") as begun:
        for _ in begun:
            pass
        begun.save(tmp_path / "saved")
    options: dict[str, Any] = {"workers": 2, "epochs": 12, "executor": "serial"}
    resumed = run(kind(A=A, b=b), resume_from=tmp_path / "saved", **options)
    whole = run(kind(A=A, b=b), **options)
    assert choices(resumed) == choices(whole) == CHOICES
    assert resumed.state["w"].tobytes() == whole.state["w"].tobytes()


def test_choices_are_events(tmp_path: Path) -> None:
    result = fitted(Timed("cols", settings(), choices=CHOICES), run_dir=tmp_path / "run")
    events = read_events(tmp_path / "run" / "events.jsonl")
    told = [(one["step"], one["setting"]) for one in events if one["event"] == "setting"]
    assert told == CHOICES == choices(result)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"settings": {}}, "at least"),
        ({"settings": {"a": RoundRobin("rows")}}, "over axis 'rows', not 'cols'"),
        ({"settings": {"a": 3}}, "is not a Schedule"),
        ({"settings": {"a": RoundRobin("cols")}, "choices": [(3, "b")]}, "settings are a"),
        ({"settings": {"a": RoundRobin("cols")}, "window": 0}, "at least 1 step"),
    ],
)
def test_wrong_arguments_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        Timed("cols", **given)


def test_a_program_without_certificate_is_refused() -> None:
    body = {"schedule": Timed("cols", settings()), "progress": lambda self, parts: {"worst": 1.0}}
    A, b = problem(rows=120, cols=40)
    with pytest.raises(ProgramError, match="goes by the certificate"):
        run(type("NNLS", (NNLS,), body)(A=A, b=b), workers=2, epochs=2, executor="serial")


def test_counts_of_all_settings_are_added_up() -> None:
    known = fitted(Timed("cols", settings(), choices=CHOICES), epochs=10, tol=None).statistics
    schedule = known["schedules"]["main"]
    assert schedule["setting"] == "lists"
    assert schedule["whole_visits"] > 0  # auto's
    assert known["phases"]["main"]["updates"] == schedule["dispatched"]
    assert np.isfinite(schedule["rho"])

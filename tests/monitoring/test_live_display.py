"""The live display: what is drawn, how often, at any width, and what it leaves behind."""

import contextlib
import copy
import io
import os
import pickle
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import counting
from rich.console import Console
from told import BEGUN, EVENTS, WILD, begin, converging, detail, row, step

import strads
from strads.engine import Compiling, on_compile
from strads.monitoring import LiveDisplay, Progress
from strads.monitoring.live.picture import Picture
from strads.monitoring.live.strokes import ASCII, UNICODE
from strads.monitoring.live.wording import duration, short, size

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")


def drawn(events, width=100, *, encoding="utf-8", now=BEGUN + 7, **more):
    """Return the lines of the picture of some events."""
    state = Progress()
    for one in events:
        state.add(one)
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=30, **more)
    console.print(Picture(state, now))
    file.flush()
    return file.buffer.getvalue().decode(encoding).splitlines()


# -- what is drawn ---------------------------------------------------------------------------------


def test_a_picture_has_all_that_is_known():
    lines = "\n".join(drawn(converging(5)))
    for part in (
        "Lasso · LassoProgram · 2 workers (processes)", "7.0 s",
        "descend: Priority, rho 0.3, 1,200 of 120,000 cols active (1.0%)",
        "certificate ━━━", "1.0e-04 → 1e-06, about 2.0 s left",
        "step 4 · objective 0.25",
        "1.0 M updates/s", "4.0 M updates in 4.0 s",
        "worker 0 ████", "60%   20%    10%    300 MB",
        "arrays 301 MB · data 300 MB · variable 1.0 MB",
    ):  # fmt: skip
        assert part in lines


def test_the_bar_is_the_way_on_a_log_scale():
    def done(*certificates):
        events = [*begin(), *(step(k, c) for k, c in enumerate(certificates, start=1))]
        (line,) = [one for one in drawn(events) if one.startswith("certificate")]
        return line.count("━") / (line.count("━") + line.count("─"))

    assert done(1e-2) == 0.0
    assert done(1e-2, 1e-4) == pytest.approx(0.5, abs=0.02)
    assert done(1e-2, 1e-4, 1e-5) == pytest.approx(0.75, abs=0.02)
    assert done(1e-2, 1e-7) == 1.0


def test_without_a_certificate_the_steps_are_shown():
    events = [*begin(tol=None, epochs=20)[1:], *(step(k, None) for k in range(1, 6))]
    lines = "\n".join(drawn(events))
    assert "steps ━━━" in lines
    assert "5 of 20, about 15 s left (epochs)" in lines


def test_what_happens_before_the_first_step():
    compiling = dict(kernel="push", done=3, total=9, seconds=2.0, seconds_left=4.0)
    fit, run = begin()
    news = row("compile", 1, **compiling, finished=False)
    assert drawn([fit, news])[1:] == [
        "compiles " + "━" * 13 + "─" * 27 + " 3 of 9, only once, about 4.0 s left",
        "preparing: reads data, compiles, starts processes",
    ]
    done = row("compile", 2, **{**compiling, "done": 9}, finished=True)
    assert drawn([fit, news, run, done])[1:] == [
        "descend: Priority, rho 0.3, 120,000 cols",
        "prepared: compile 1.2 s; the first step has begun",
    ]


def test_what_went_wrong_is_below():
    warned = [row("warning", k, message=f"oddity {k}") for k in range(5)]
    lines = drawn([*converging(), *warned, row("fit_end", 9, verdict=None, error="OSError: full")])
    assert lines[-5:] == [
        "! oddity 2", "! oddity 3", "! oddity 4", "! and 2 more before", "failed: OSError: full"
    ]  # fmt: skip


def test_many_processes_take_few_lines():
    spent = {"busy_seconds": 0.5, "waiting_seconds": 0.5}
    many = {f"worker {p}": spent for p in range(40)}
    lines = drawn([*begin(), step(1, 0.1), detail(1, many)])
    shown = [line.split()[1] for line in lines if line.startswith("worker")]
    assert shown == [str(p) for p in range(7)]
    assert "and 33 others, busy for 50% of the time" in lines


def test_a_run_that_has_ended_shows_its_means():
    events = [*converging(), row("run_end", 8, run=0, status="converged")]
    lines = "\n".join(drawn([*events, row("fit_end", 8, verdict="converged", error=None)]))
    assert "left" not in lines
    assert lines.endswith("converged")
    assert "60%   20%    10%" in lines


@given(events=EVENTS, width=st.integers(1, 140), encoding=st.sampled_from(["utf-8", "ascii"]))
def test_anything_fits_any_width(events, width, encoding):
    for line in drawn(events, width, encoding=encoding):
        assert len(line) <= max(width, 8)


@given(events=WILD)
def test_anything_can_be_drawn(events):
    drawn(events)


def test_forty_columns_have_what_matters():
    lines = drawn(converging(5), 40)
    assert max(map(len, lines)) < 40
    assert "certificate 1.0e-04 → 1e-06" in lines
    assert "about 2.0 s left" in "\n".join(lines)
    assert any(line.startswith("worker 1 ██") and line.endswith("60%") for line in lines)


def test_no_colour_and_no_unicode(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    lines = drawn(converging(), encoding="ascii", force_terminal=True)
    text = "\n".join(lines)
    assert "\x1b[3" not in text  # no colours; bold and dim stay
    assert any("worker 0 ###" in line and "---" in line and "+++" in line for line in lines)
    assert "->" in text


@pytest.mark.parametrize("strokes", [UNICODE, ASCII])
@given(shares=st.lists(st.floats(0, 1), min_size=3, max_size=3), width=st.integers(0, 60))
def test_a_bar_has_its_width(strokes, shares, width):
    ways = list(zip(("busy", "waiting", "scheduling"), shares, strict=True))
    assert sum(len(part) for _, part in strokes.shares(ways, width)) == width
    assert len("".join(strokes.progress(shares[0], width))) == width


def test_numbers_as_people_read_them():
    times = [0, 9.94, 9.96, 61, 3600, 7500, 90_061, float("inf")]
    assert [duration(one) for one in times] == [
        "0.0 s", "9.9 s", "10 s", "1 min 1 s", "1 h", "2 h 5 min", "1 d 1 h", "?"
    ]  # fmt: skip
    assert [size(one) for one in (0, 999, 1000, 123_456, 5e9)] == [
        "0 B", "999 B", "1.0 kB", "123 kB", "5.0 GB"
    ]  # fmt: skip
    assert [short(one) for one in (7, 1500, 2_345_678)] == ["7", "1.5 k", "2.3 M"]


# -- in a terminal ---------------------------------------------------------------------------------


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def terminal(monkeypatch):
    from terminals import Terminal

    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    known = Terminal()
    yield known
    known.close()


def screen(terminal):
    from terminals import Screen

    while terminal.read():
        pass
    return Screen(terminal.text)


@pytest.fixture
def shown(terminal):
    """A display on a terminal, its clock, and a function that returns what is on the screen."""
    clock = Clock()
    with open(terminal.program, "w", closefd=False) as file:
        display = LiveDisplay(Console(file=file), clock=clock)
        yield display, clock, lambda: screen(terminal)
        display.stop()


@needs_pty
def test_pictures_replace_each_other_and_the_last_stays(shown):
    display, clock, look = shown
    with display:
        assert display.shows
        for event in converging():
            clock.now += 1.0
            display(event)
            assert look().text.count("Lasso ·") <= 1
        assert "certificate" in look().text
        display(row("fit_end", 8, verdict="converged", error=None))
    assert look().text.endswith("converged")
    assert look().text.count("Lasso ·") == 1
    assert look().lines[-1] == ""  # what comes next begins a line


@needs_pty
def test_the_cursor_is_visible_all_the_time(shown, terminal):
    display, clock, look = shown
    display.start()
    assert look().cursor_visible
    clock.now += 1.0
    display(begin()[0])
    assert look().cursor_visible
    display.stop()
    assert look().cursor_visible


@needs_pty
def test_it_is_drawn_eight_times_a_second_at_most(shown, monkeypatch):
    display, clock, look = shown
    count = 0
    original = Picture.__rich_console__

    def counted(self, console, options):
        nonlocal count
        count += 1
        return original(self, console, options)

    monkeypatch.setattr(Picture, "__rich_console__", counted)
    with display:
        for k in range(6, 151):  # fifty a second
            clock.now = k / 50
            display(step(k, 1.0 / k))
            look()
        assert 20 <= count <= 25


@needs_pty
def test_drawing_takes_a_small_share_of_the_time(shown):
    """A slow terminal is drawn to more rarely."""
    display, clock, _ = shown
    drawn_at = []
    with display:
        surface = display._surface

        class Slow:
            def show(self, picture):
                drawn_at.append(clock.now)
                clock.now += 0.005

            def close(self, last):
                surface.close(last)

        display._surface = Slow()
        for k in range(1, 1001):
            clock.now += 0.01
            display(step(k, 1.0 / k))
    apart = [b - a for a, b in zip(drawn_at, drawn_at[1:-1])]
    assert min(apart) >= 1.0


@needs_pty
def test_a_short_fit_is_drawn_once(shown, monkeypatch):
    display, clock, look = shown
    monkeypatch.setattr(display, "_draw", None)  # would raise
    with display:
        for event in converging():
            clock.now += 0.002
            display(event)
        assert look().text == ""
    assert "certificate" in look().text


@needs_pty
def test_during_a_long_step_the_time_runs(shown, monkeypatch):
    display, clock, look = shown
    redrawn = threading.Event()
    original = LiveDisplay._draw

    def counted(self):
        original(self)
        if threading.current_thread() is not threading.main_thread():
            redrawn.set()

    monkeypatch.setattr(LiveDisplay, "_draw", counted)
    monkeypatch.setattr("strads.monitoring.display.STILL_S", 0.02)
    with display:
        display(begin()[0])  # no other event follows
        assert look().text == ""
        clock.now += 10.0
        assert redrawn.wait(60.0)
        assert "Lasso" in look().text
        thread = display._redraws
    assert not thread.is_alive()


@needs_pty
def test_what_stderr_has_is_not_repeated(shown):
    display, _, look = shown
    with display:
        display(row("warning", 1, message="UserWarning: above", printed=True))
        display(row("warning", 2, message="below", printed=False))
    assert "below" in look().text and "above" not in look().text


@needs_pty
def test_compilation_is_shown_in_place_of_the_line(shown):
    display, clock, look = shown
    news = Compiling("push", 3, 9, 2.0, 4.0, False)
    before = on_compile(None)
    try:
        on_compile(before)
        with display:
            inside = on_compile(None)
            on_compile(inside)
            clock.now += 1.0
            inside(news)
            assert "compiles ━━━" in look().text
        assert on_compile(before) == before
    finally:
        on_compile(before)


@needs_pty
def test_somebody_elses_news_stay_theirs(shown):
    display, _, _ = shown
    before = on_compile(None)
    try:
        display.start()
        on_compile(print)
        display.stop()
        assert on_compile(None) is print
    finally:
        on_compile(before)


@needs_pty
def test_as_an_instrument_it_follows_a_run(shown):
    display, _, look = shown
    result = strads.run(counting(), workers=2, executor="serial", epochs=5, instruments=[display])
    assert result.status == "epochs"
    assert not display.shows  # the terminal has been given back
    lines = look().text.splitlines()
    assert lines[0].startswith("Counting · 2 workers (serial)")
    assert "main: RoundRobin, 48 of 48 ids active (100.0%)" in lines[1]
    assert any(line.startswith("steps ━━━") and "5 of 5" in line for line in lines)
    assert "step 5 · total 240" in lines
    assert lines[-1] == "epochs"


@needs_pty
def test_one_display_at_a_time(shown, terminal):
    display, _, look = shown
    with display, open(terminal.program, "w", closefd=False) as file:
        with LiveDisplay(Console(file=file)) as other:
            assert not other.shows
            other(begin()[0])
        assert look().text == ""


@needs_pty
def test_a_terminal_that_goes_away_ends_nothing(terminal):
    file = open(os.dup(terminal.program), "w")
    clock = Clock()
    display = LiveDisplay(Console(file=file), clock=clock)
    display.start()
    os.close(terminal.person)
    for event in converging():
        clock.now += 1.0
        display(event)
    display.stop()
    assert not display.shows
    assert display.state.run.step == 7
    with contextlib.suppress(OSError):  # of what could not be written
        file.close()


@needs_pty
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_draws_nothing(shown):
    display, clock, look = shown
    with display:
        clock.now += 1.0
        display(begin()[0])
        before = look().text
        assert "Lasso" in before
        pid = os.fork()
        if pid == 0:
            display(step(1, 0.1))
            display.stop()
            os._exit(0 if not display.shows else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert look().text == before


# -- elsewhere -------------------------------------------------------------------------------------


def test_without_a_terminal_nothing_is_printed(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # colours in a log are no terminal
    before = on_compile(None)
    on_compile(before)
    with LiveDisplay() as display:
        for event in converging():
            display(event)
        assert not display.shows
        assert on_compile(before) is before  # the usual lines stay
    assert capsys.readouterr() == ("", "")
    assert display.state.run.step == 7


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_only_appends_gets_nothing(monkeypatch, term):
    class Appending(io.StringIO):
        def isatty(self):
            return True

    stream = Appending()
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", stream)
    assert not LiveDisplay.can_show()
    with LiveDisplay() as display:
        assert not display.shows
        display(begin()[0])
    assert stream.getvalue() == ""


def test_copies_are_for_other_fits():
    display = LiveDisplay()
    display(begin()[0])
    for other in (copy.deepcopy(display), pickle.loads(pickle.dumps(display))):
        assert other.state.estimator == ""

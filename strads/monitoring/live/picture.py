"""A picture of a fit in a few lines, for terminals of any width; ``docs/live.md`` explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from strads.monitoring.live.course import Estimate
from strads.monitoring.live.process_bars import as_line, process_lines
from strads.monitoring.live.progress import Progress
from strads.monitoring.live.run_state import CERTIFICATE, RunState
from strads.monitoring.live.strokes import ASCII, UNICODE, Strokes
from strads.monitoring.live.values import as_text
from strads.monitoring.live.wording import duration, short, size

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

WARNINGS = 3
#: Width from which on there is room for all columns.
WIDE = 66


class Picture:
    """Draws the state of a fit; a renderable of rich.

    Parameters
    ----------
    state : Progress
    now : float
        In seconds since 1970.
    note : str
        A last line, such as what keys do.
    over : bool
        Whether the fit goes on no more, although it may not have said so.
    """

    def __init__(self, state: Progress, now: float, note: str = "", *, over: bool = False) -> None:
        self.state, self.now, self.note = state, now, note
        self.over = over or state.ended

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines; none is wider than the console."""
        strokes = ASCII if options.ascii_only else UNICODE
        # Some columns stay empty: a terminal may write ^C where the cursor is, and a line that is
        # broken by that is not drawn over.
        drawing = _Drawing(self, max(options.max_width - 3, 8), console.height, strokes)
        for line in drawing.lines():
            yield drawing.fitted(line)


class _Drawing:
    """One drawing of a picture at a given width and height."""

    def __init__(self, picture: Picture, width: int, height: int, strokes: Strokes) -> None:
        self.state, self.now, self.note = picture.state, picture.now, picture.note
        self.over = picture.over
        self.width, self.height, self.strokes = width, height, strokes
        self.wide = width >= WIDE

    def lines(self) -> Iterator[Text]:
        state, run = self.state, self.state.run
        yield self._title()
        if state.compiling and not (state.compiling["finished"] or self.over):
            yield from self._compiling()
        if run is None:
            if not self.over:
                yield as_line(("preparing: reads data, compiles, starts processes", "dim"))
        else:
            yield from self._of_run(run)
        yield from self._events()
        if state.ended:
            yield self._verdict()
        if self.note:
            yield as_line((self.note, "dim"))

    def fitted(self, line: Text) -> Text:
        """Cut a line that is too long."""
        if line.cell_len > self.width:
            mark = self.strokes.ellipsis
            line.truncate(self.width - len(mark), overflow="crop")
            line.append(mark)
        line.no_wrap, line.overflow = True, "crop"
        if self.strokes is ASCII:
            line.plain = line.plain.encode("ascii", "replace").decode()
        return line

    # -- what runs -------------------------------------------------------------------------------

    def _title(self) -> Text:
        state, run = self.state, self.state.run
        parts = [state.estimator or "strads"]
        if run is not None:
            known = [run.program] if run.program not in ("", state.estimator) else []
            workers = f"{run.workers} worker{'s' * (run.workers != 1)}"
            parts += [*known, f"{workers} ({run.executor})" if run.executor else workers]
        if state.runs > 1:
            parts.append(f"run {state.runs}")
        elapsed = "" if state.begun is None else duration(max(self.now - state.begun, 0.0))
        left = as_line((parts[0], "bold"), (self._joined(["", *parts[1:]]), ""))
        room = self.width - left.cell_len - len(elapsed)
        return left.append(" " * room + elapsed if room >= 2 else "")

    def _compiling(self) -> Iterator[Text]:
        news = self.state.compiling
        share = news["done"] / news["total"] if news["total"] else 0.0
        told = f"{news['done']} of {news['total']}, only once"
        seconds = max(news["seconds_left"], 1.0)
        left = f"about {duration(seconds)} left" if math.isfinite(seconds) else ""
        yield from self._bar("compiles", share, told, left, "cyan")

    def _of_run(self, run: RunState) -> Iterator[Text]:
        yield from self._phases(run)
        if run.step == 0 and not run.status:
            took = _told_seconds(run.prepared)
            yield as_line((f"prepared{took and f': {took}'}; the first step has begun", "dim"))
            return
        yield from self._goal(run)
        yield self._figures(run)
        yield self._updates(run)
        yield from process_lines(run, self.width, self.height, self.strokes, wide=self.wide)
        yield from self._memory(run)

    def _phases(self, run: RunState) -> Iterator[Text]:
        scheduled = {name: one for name, one in run.phases.items() if one.get("schedule")}
        for name, phase in list(scheduled.items())[:2]:
            axis = as_text(phase.get("axis"))
            ids = run.axes.get(axis, 0)
            rho = phase.get("rho")
            told = f"{name}: {as_text(phase['schedule'])}"
            told += "" if rho is None else f", rho {as_text(rho)}"
            if name in run.active:
                active = run.active[name]
                of = f" of {ids:,} {axis}" if 0 < ids >= active else ""
                told += f", {active:,}{of} active" + (f" ({active / ids:.1%})" if of else "")
            elif ids:
                told += f", {ids:,} {axis}"
            yield as_line((told, ""))

    # -- how far it is ---------------------------------------------------------------------------

    def _goal(self, run: RunState) -> Iterator[Text]:
        """Yield the bar: the certificate on a log scale, or steps where there is none."""
        bound, now = self.state.bound, run.certificate
        if bound is not None and bound > 0 and now is not None:
            share, name = _way(run.first_certificate, now, bound), CERTIFICATE
            told = f"{now:.1e} {self.strokes.arrow} {bound:.0e}"
        else:
            share, name = run.step / run.epochs if run.epochs else math.nan, "steps"
            told = f"{run.step:,}" + (f" of {run.epochs:,.0f}" if run.epochs else "")
        yield from self._bar(name, share, told, self._left(), "green")

    def _left(self) -> str:
        if self.over or (self.state.run is not None and self.state.run.status):
            return ""
        estimate = self.state.left(self.now)
        if estimate == Estimate(0.0, CERTIFICATE):
            return "reached"
        if estimate.seconds is None:
            return f"time left unknown ({estimate.reason})"
        by = "" if estimate.reason == CERTIFICATE else f" ({estimate.reason})"
        about = "at most" if estimate.at_most else "about"
        return f"{about} {duration(estimate.seconds)} left{by}"

    def _figures(self, run: RunState) -> Text:
        figures = [f"{name} {one:.4g}" for name, one in run.figures.items() if name != CERTIFICATE]
        return as_line((self._joined([f"step {run.step:,}", *figures]), ""))

    def _updates(self, run: RunState) -> Text:
        if not run.updates:  # such as a program whose leader solves every step by itself
            return as_line((f"no updates in {duration(run.seconds)}", "dim"))
        rate = run.course.rate()
        if run.status and run.seconds:  # of a run that has ended, the mean says more
            rate = run.updates / run.seconds
        told = "" if rate is None else f"{short(rate)} updates/s "
        curve = self.strokes.small_curve(run.course.rates(24 if self.wide else 10))
        total = f"{short(run.updates)} updates in {duration(run.seconds)}"
        line = as_line((told, ""), (curve + " " if curve else "", "cyan"))
        return line.append(total, "dim") if self.wide or not curve else line

    # -- who does it -----------------------------------------------------------------------------

    def _memory(self, run: RunState) -> Iterator[Text]:
        if run.bytes:
            kinds = sorted(run.bytes, key=lambda kind: -run.bytes[kind])
            told = [f"{kind} {size(run.bytes[kind])}" for kind in kinds if run.bytes[kind]]
            whole = f"arrays {size(sum(run.bytes.values()))}"
            yield as_line((self._joined([whole, *told]), "dim"))

    # -- what happened ---------------------------------------------------------------------------

    def _events(self) -> Iterator[Text]:
        state = self.state
        if state.checkpoints:
            times = f" ({state.checkpoints:,} so far)" if state.checkpoints > 1 else ""
            yield as_line((f"saved in {state.checkpoint}{times}", "dim"))
        for told, count in (
            (state.deaths, state.death_count), (state.warnings, state.warning_count)
        ):  # fmt: skip
            for one in told[-WARNINGS:]:
                yield as_line((f"! {one}", "yellow"))
            if count > WARNINGS:
                yield as_line((f"! and {count - WARNINGS:,} more before", "yellow"))

    def _verdict(self) -> Text:
        state = self.state
        if state.error:
            return as_line((f"failed: {state.error}", "bold red"))
        return as_line((state.verdict or "ended", "bold"))

    def _bar(self, name: str, share: float, told: str, left: str, style: str) -> Iterator[Text]:
        """Yield a bar with its name and what is told of it: in two lines where one is too short."""
        if not self.wide:
            yield as_line((f"{name} {told}", ""))
            name = told = ""
        told = ", ".join(one for one in (told, left) if one)
        room = self.width - len(name) - len(told) - 2
        done, rest = self.strokes.progress(share, min(max(room, 6), 40))
        yield as_line(
            (name and f"{name} ", ""), (done, style), (rest, "dim"), (told and f" {told}", "")
        )

    def _joined(self, parts: list[str]) -> str:
        return f" {self.strokes.dot} ".join(parts)


def _way(first: float | None, now: float, bound: float) -> float:
    """Return how much of the way from the first certificate to the bound is done, in logarithms."""
    if now <= bound:
        return 1.0
    if first is None or not bound < first or not now < math.inf:
        return 0.0
    return (math.log(first) - math.log(now)) / (math.log(first) - math.log(bound))


def _told_seconds(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {duration(one)}" for name, one in parts.items() if one >= 0.05)

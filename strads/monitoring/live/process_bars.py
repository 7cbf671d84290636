"""How each process of a run spends its time: a line for each, with a bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from strads.monitoring.live.run_state import SPENT, RunState
from strads.monitoring.live.strokes import Strokes
from strads.monitoring.live.wording import size

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {"busy": "green", "waiting": "yellow", "scheduling": "blue", "idle": "dim"}
#: Lines of a picture besides those of processes.
OTHER_LINES = 12
#: Processes that are shown in a terminal of usual height.
PROCESSES = 8


def as_line(*parts: tuple[str, str]) -> Text:
    """Return a line of texts and their styles."""
    from rich.text import Text

    return Text.assemble(*parts)


def process_lines(
    run: RunState, width: int, height: int, strokes: Strokes, *, wide: bool
) -> Iterator[Text]:
    """Yield a legend, and a line for each process; few if the picture is not high.

    Parameters
    ----------
    run : RunState
    width, height : int
        Of the picture, in characters.
    strokes : Strokes
    wide : bool
        Whether there is room for all columns.
    """
    names = sorted(run.shares, key=_natural)
    room = min(PROCESSES, max(height - OTHER_LINES, 2))
    if not names:
        return
    shown = names if len(names) <= room else names[: room - 1]
    label = min(max(map(len, shown)), 14)
    bar = max(width - label - (34 if wide else 7), 6)
    yield _legend(strokes, label, bar, wide)
    for name in shown:
        yield _process(name, run, strokes, label, bar, wide)
    if len(shown) < len(names):
        others = names[len(shown) :]
        busy = sum(run.shares[name]["busy"] for name in others) / len(others)
        yield as_line((f"and {len(others)} others, busy for {busy:.0%} of the time", "dim"))


def _legend(strokes: Strokes, label: int, bar: int, wide: bool) -> Text:
    ways = [(f"{strokes.ways[way]} {way} ", STYLES[way]) for way in SPENT]
    line = as_line((" " * (label + 1), ""), *ways)
    if wide:
        line.truncate(label + 1 + bar, overflow="crop", pad=True)
        line.append(f"{'busy':>6}{'wait':>6}{'sched':>7}{'memory':>10}", "dim")
    return line


def _process(name: str, run: RunState, strokes: Strokes, label: int, bar: int, wide: bool) -> Text:
    shares = run.shares[name]
    parts = strokes.shares(list(shares.items()), bar)
    line = as_line((f"{name[:label]:<{label}} ", ""), *((t, STYLES[way]) for way, t in parts))
    if not wide:
        return line.append(f"{shares['busy']:>5.0%}")
    line.append(f"{shares['busy']:>6.0%}{shares['waiting']:>6.0%}{shares['scheduling']:>7.0%}")
    return line.append(f"{size(run.memory[name]):>10}" if name in run.memory else "")


def _natural(name: str) -> tuple[str, int, str]:
    """Return a key by which worker 10 comes after worker 9."""
    head = name.rstrip("0123456789")
    tail = name[len(head) :]
    return head, int(tail or -1) if len(tail) < 10 else 0, name

"""What ``strads top`` shows: a run as its events tell it, again and again, until a key is hit."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from strads.engine import DataError
from strads.monitoring.events import EVENTS
from strads.monitoring.live.picture import Picture
from strads.monitoring.live.surfaces import Terminal, draws
from strads.monitoring.live.watched import Watched, note_of

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two looks at the file.
PERIOD_S = 0.25
KEYS = {"q": "end"}


def print_once(path: Path, console: Console) -> None:
    """Print a picture of a run as it is now.

    Raises
    ------
    DataError
        If there is no run, or its file is damaged.
    """
    watched = Watched(path)
    watched.read()
    if watched.file is None:
        raise DataError(
            f"{path} holds no {EVENTS}; give the folder of --out of a fit, or one that holds such "
            "folders"
        )
    console.print(_picture(watched, {}))


def watch(path: Path, console: Console) -> None:
    """Show a run until it has ended, its leader is gone, or q or Ctrl-C is hit.

    Of a folder of several runs the latest is shown, and that does not end with the run.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    if not draws(sys.stdout):
        print_once(path, console)
        return
    watched = Watched(path)
    with _keys() as hit, contextlib.suppress(KeyboardInterrupt):
        screen = Terminal(console)
        try:
            while True:
                over = _is_over(watched)
                screen.show(_picture(watched, {} if over else KEYS))
                if over or hit():
                    break
        except KeyboardInterrupt:
            screen.show(_picture(watched, {}))
        finally:
            screen.close(None)


def _is_over(watched: Watched) -> bool:
    """Read what is new, and return whether nothing more will come."""
    gone = watched.is_gone()  # before reading: a leader tells its end, and then ends
    new = watched.read()
    return not watched.of_several and (watched.has_ended() or (gone and not new))


def _picture(watched: Watched, keys: dict[str, str]) -> Picture:
    state = watched.state
    still = watched.has_ended() or watched.is_gone()
    now = state.latest if still and state.latest is not None else time.time()
    return Picture(state, now, note_of(watched, keys), over=still)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[], bool]]:
    """Yield a function that waits a little, and returns whether q was hit meanwhile.

    The terminal hands over keys at once and does not show them, until the block ends.
    """
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        yield _waited
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    former = signal.signal(signal.SIGTERM, _ended)
    tty.setcbreak(fd)
    try:
        yield lambda: _hit(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTERM, former)


def _hit(fd: int) -> bool:
    if not select.select([fd], [], [], PERIOD_S)[0]:
        return False
    typed = os.read(fd, 64)
    return not typed or b"q" in typed.lower()  # nothing: the terminal has gone


def _waited() -> bool:
    time.sleep(PERIOD_S)
    return False


def _ended(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)

"""Where a picture is drawn again and again: a terminal, or the output of a notebook's cell."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from strads.monitoring.live.picture import Picture

if TYPE_CHECKING:
    from rich.console import Console

#: Width of pictures in a notebook, in letters.
NOTEBOOK_WIDTH = 96
_HTML = (
    '<pre style="white-space:pre;overflow-x:auto;line-height:normal;font-family:Menlo,'
    "'DejaVu Sans Mono',consolas,'Courier New',monospace\">{code}</pre>"
)


class Surface(Protocol):
    """Shows one picture, each in place of the one before; the last one stays.

    Attributes
    ----------
    takes_threads : bool
        Whether any thread may show a picture.
    """

    takes_threads: bool

    def show(self, picture: Picture) -> None:
        """Show a picture."""

    def close(self, last: Picture | None) -> None:
        """Show a last picture, if there is one, and give back what was taken."""


class Terminal:
    """A terminal, by rich; what the program prints meanwhile appears above the picture.

    It starts no thread, and the cursor stays visible: whatever ends the process, by whatever
    signal, the terminal needs no repair.

    Parameters
    ----------
    console : rich.console.Console
    """

    takes_threads = True

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        # Results that are sent to a file must get there.
        takes_stdout = sys.stdout is not None and sys.stdout.isatty()
        takes_stderr = sys.stderr is not None and sys.stderr.isatty()
        self._live = Live(
            console=console,
            auto_refresh=False,
            redirect_stdout=takes_stdout,
            redirect_stderr=takes_stderr,
        )
        self._live.start()
        console.show_cursor(True)

    def show(self, picture: Picture) -> None:
        """Draw the picture over the one before."""
        self._live.update(picture, refresh=True)

    def close(self, last: Picture | None) -> None:
        """Draw the last picture, which stays, and give stdout and stderr back."""
        if last is not None:
            self._live.update(last)
        self._live.stop()  # draws


class Notebook:
    """The output of a notebook's cell: one display that is updated, so that the last one is saved.

    Widgets are not needed. A thread does not know the cell, so none may show a picture.
    """

    takes_threads = False

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, picture: Picture) -> None:
        """Show the picture in place of the one before."""
        if self._handle is None:
            display = import_module("IPython.display").display  # there is one, in a notebook
            self._handle = display(as_notebook_output(picture), raw=True, display_id=True)
        else:
            self._handle.update(as_notebook_output(picture), raw=True)

    def close(self, last: Picture | None) -> None:
        """Show the last picture; nothing was taken."""
        if last is not None:
            self.show(last)


def as_notebook_output(picture: Picture) -> dict[str, str]:
    """Return a picture as HTML, and as text where there is no HTML."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(), record=True, width=NOTEBOOK_WIDTH, height=40, force_terminal=True,
        force_jupyter=False, color_system="truecolor", no_color=False, legacy_windows=False,
    )  # fmt: skip
    console.print(picture)
    text = console.export_text(clear=False)
    # Colours of the page, dark or light, stay: only parts of the text have one of their own.
    html = console.export_html(inline_styles=True, code_format=_HTML)
    return {"text/plain": text, "text/html": html}


def surface_for(console: Console | None) -> Surface | None:
    """Return where pictures can be drawn; None if that is nowhere.

    Parameters
    ----------
    console : rich.console.Console, optional
        By default stderr, so that stdout has results alone.
    """
    if console is None:
        if in_notebook():
            return Notebook()
        if not draws(sys.stderr):
            return None
        from rich.console import Console

        console = Console(stderr=True)
    if console.is_jupyter:
        return Notebook()
    return Terminal(console) if console.is_terminal and not console.is_dumb_terminal else None


def can_draw() -> bool:
    """Whether there is a notebook, or a terminal on stderr."""
    return in_notebook() or draws(sys.stderr)


def draws(stream: Any) -> bool:
    """Whether a stream is a terminal that can draw over what it has."""
    if stream is None or os.environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        return stream is not None and sys.platform == "win32" and bool(stream.isatty())
    return bool(stream.isatty())


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "ipykernel" in type(shell).__module__

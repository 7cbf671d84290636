"""News that belong to no step: kernels that are compiled, warnings, and records of the log.

They come from hooks of the whole process, which several fits may want at the same time, in
several threads. So the hooks are set when the first fit begins to listen, and are put back when
the last one has ended.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from strads.engine import Compiling, on_compile
from strads.monitoring.events import Event, event

_lock = threading.RLock()
_listeners: list[tuple[Callable[[Event], None], bool]] = []
_before: dict[str, Any] = {}
#: The modules of Python's own functions that show warnings.
_PYTHONS = ("warnings", "_py_warnings")


@contextmanager
def listening(tell: Callable[[Event], None], *, shown: bool) -> Iterator[None]:
    """Give events of news to a function, which other threads may call.

    Parameters
    ----------
    tell : callable
    shown : bool
        Whether it shows them, so that the usual lines about compiling are left out.
    """
    entry = (tell, shown)
    with _lock:
        _listeners.append(entry)
        if len(_listeners) == 1:
            _hook()
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(entry)
            if not _listeners:
                _unhook()


def _hook() -> None:
    _before["compile"] = on_compile(_compiling)
    _before["warning"], warnings.showwarning = warnings.showwarning, _warned
    logging.getLogger("strads").addHandler(_handler)


def _unhook() -> None:
    """Put the former hooks back, unless somebody else has set others meanwhile."""
    present = on_compile(_before["compile"])
    if present is not _compiling:
        on_compile(present)
    if warnings.showwarning is _warned:
        warnings.showwarning = _before["warning"]
    logging.getLogger("strads").removeHandler(_handler)


def _tell(given: Event) -> None:
    for tell, _ in list(_listeners):
        tell(given)


def _compiling(news: Compiling) -> None:
    _tell(event("compile", **asdict(news)))
    shown, before = any(shown for _, shown in list(_listeners)), _before.get("compile")
    if before is not None and not shown:
        before(news)


def _warned(message: Any, category: Any, *where: Any, **more: Any) -> None:
    before = _before["warning"]
    _tell(event("warning", message=f"{category.__name__}: {message}", printed=_prints(before)))
    before(message, category, *where, **more)


def _prints(show: Callable[..., Any]) -> bool:
    """Whether a function that shows warnings is Python's own, and prints them to stderr."""
    written_by = getattr(warnings, "_showwarnmsg_impl", None)  # in its place a list may collect
    return all(getattr(one, "__module__", "") in _PYTHONS for one in (show, written_by))


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.module != "mortality":  # deaths have events of their own
            _tell(event("warning", message=record.getMessage()))


_handler = _Handler(logging.WARNING)

"""Ctrl-C while the engine works: the first acts at once, whatever follows waits for tidy books.

Python runs a signal's handler between any two instructions of the main thread, so an interrupt may
also come while another is being handled: amid the ``finally`` that was to give the workers back.
No ``try`` guards against that. So while the engine works (:func:`watched`) Ctrl-C goes through a
handler of ours, which passes the first one on to the handler that was there before, and takes
note of those that come after it. Where even the first one must not strike, as between taking a
lock and writing down who took it, it waits for the end of the section (:func:`held`). Who waits in
such a section asks for it with :func:`check`, every :data:`TICK_S` at least.

Other threads never see an interrupt; for them nothing of this does anything.
"""

from __future__ import annotations

import _signal  # the functions of ``signal`` itself spend 20 µs on turning numbers into names
import os
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

TICK_S = 0.05  # longest time for which a wait may leave an interrupt unnoticed

_SIGINT = int(_signal.SIGINT)


class _State:
    """What the main thread's handler knows."""

    main = threading.main_thread().ident
    before: Any = None  # the handler that ours stands in for
    owner: tuple[int, Any] = (0, None)  # identity and code of the frame that installed ours
    depth = 0  # of sections that must not be interrupted
    passed = False  # one has been passed on: the engine is putting its books in order
    noted = False  # one waits


_state = _State()


def _handle(number: int, frame: FrameType | None) -> None:
    if not _owner_lives(frame):
        _uninstall()
        _state.before(number, frame)
    elif _state.depth or _state.passed:
        _state.noted = True
    else:
        _pass_on(frame)


def _pass_on(frame: FrameType | None) -> None:
    _state.passed = True
    _state.before(_SIGINT, frame)  # which nearly always raises
    _state.passed = False


def _owner_lives(frame: FrameType | None) -> bool:
    """Whether the call that installed our handler is still running."""
    identity, code = _state.owner
    while frame is not None:
        if id(frame) == identity and frame.f_code is code:
            return True
        frame = frame.f_back
    return False


def _uninstall() -> None:
    if _signal.getsignal(_SIGINT) is _handle:  # or a callback has set one of its own
        _signal.signal(_SIGINT, _state.before)


class watched:
    """Let the first interrupt act at once and those after it wait until the body has ended.

    For bodies that put their own books in order when anything is raised. Bodies within bodies,
    and bodies of other threads, add nothing.
    """

    __slots__ = ("_counted", "_installed")
    _hold = 0

    def __init__(self) -> None:
        self._installed = self._counted = False

    def __enter__(self) -> watched:
        """Install the handler, unless it is there."""
        if threading.get_ident() != _state.main:
            return self
        # One that was left behind by a body whose end was interrupted is as good as none. Held
        # sections are short and many, and do not look.
        if _signal.getsignal(_SIGINT) is not _handle or not (
            self._hold or _owner_lives(sys._getframe(1))
        ):
            self._install(sys._getframe(1))
        # From here on nothing is called, so nothing interrupts before the body has begun.
        self._counted = True
        _state.depth += self._hold - self._installed
        return self

    def _install(self, frame: FrameType) -> None:
        present = _signal.getsignal(_SIGINT)
        if present is not _handle:
            if not callable(present):  # ignored, the default, or not of Python's making
                return
            _state.before = present
        _state.owner = (id(frame), frame.f_code)
        _state.passed = _state.noted = False
        _state.depth = 1  # until the body begins
        _signal.signal(_SIGINT, _handle)
        self._installed = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Put the former handler back; an interrupt that waits is raised, unless one is."""
        if not self._counted:
            return
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        if self._installed:
            _uninstall()
            _state.depth = 0
            waits, _state.noted = _state.noted and not interrupted, False
            if waits:
                _signal.raise_signal(_SIGINT)
            return
        _state.depth -= self._hold
        if self._hold and kind is None and _state.depth == 0:
            check()


class held(watched):
    """Let every interrupt wait until the body has ended, or asks for it with :func:`check`."""

    __slots__ = ()
    _hold = 1


def rearm() -> None:
    """Let the next interrupt act at once again: the last one's books are in order.

    A user's callback may have caught it, and gone on.
    """
    if _state.passed and threading.get_ident() == _state.main:
        _state.passed = False
        check()


def pending() -> bool:
    """Whether an interrupt waits for this thread."""
    return _state.noted and threading.get_ident() == _state.main


def check() -> None:
    """Raise what waits; to be called wherever a section that holds interrupts back can end."""
    if pending() and not (_state.passed and _state.depth == 0):
        _state.noted = False
        _pass_on(sys._getframe(1))


def _after_fork() -> None:
    _state.main = threading.get_ident()  # the thread that forked is the child's main thread


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

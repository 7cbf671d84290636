"""Ctrl-C while the engine works: the first acts at once, later ones wait for the clean-up.

Python runs a signal handler between any two instructions of the main thread. A second Ctrl-C may
therefore interrupt the clean-up after the first, such as the ``finally`` that gives the workers
back, and no ``try`` can guard against that. So while the engine works (:class:`watched`), a handler
of this module receives Ctrl-C. It passes the first one on to the handler that was installed before,
and only notes those that follow until the clean-up has ended. In sections that must not be
interrupted at all (:class:`held`), such as between taking a lock and recording who took it, even
the first one waits until the section ends. Code that waits inside such a section calls
:func:`check` at least every :data:`TICK_S` seconds, which lets a noted Ctrl-C act.

A fit need not end at once: it can make a model of what it has. In a body that is :class:`patient`,
the first Ctrl-C therefore only asks to end (:func:`asked`), and a run ends with its present step.
The next one acts as the first does elsewhere.

Python delivers signals to the main thread only; in other threads this module does nothing.
"""

from __future__ import annotations

import _signal  # functions of ``signal`` take 20 µs longer, to turn numbers into names
import os
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

TICK_S = 0.05  # longest time for which code that waits may leave an interrupt unnoticed

_SIGINT = int(_signal.SIGINT)


class _State:
    """State of the handler; only the main thread uses it."""

    main = threading.main_thread().ident
    before: Any = None  # the handler that was installed before ours
    owner: tuple[int, Any] = (0, None)  # identity and code of the frame that installed ours
    depth = 0  # number of nested sections that must not be interrupted
    passed = False  # whether an interrupt has been passed on and the engine is cleaning up
    noted = False  # whether an interrupt waits
    patient = 0  # number of nested bodies that an interrupt asks to end
    asked = False  # whether one has


_state = _State()


def _handle(number: int, frame: FrameType | None) -> None:
    if not _owner_lives(frame):
        _uninstall()
        _state.before(number, frame)
    elif _state.patient and not _state.asked:
        _state.asked = True  # this raises nothing, so that it disturbs no section either
    elif _state.depth or _state.passed:
        _state.noted = True
    else:
        _pass_on(frame)


def _pass_on(frame: FrameType | None) -> None:
    _state.passed = True
    _state.before(_SIGINT, frame)  # this nearly always raises
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
    if _signal.getsignal(_SIGINT) is _handle:  # else a callback has installed its own handler
        _signal.signal(_SIGINT, _state.before)


class watched:
    """Let the first interrupt act at once, and later ones wait until the body has ended.

    The body must clean up after itself when anything is raised. In a body within another one, and
    in threads other than the main thread, this does nothing.

    Parameters
    ----------
    frame : frame, optional
        That of the body; by default that of the caller of :meth:`__enter__`.
    """

    __slots__ = ("_counted", "_frame", "_installed")
    _hold = 0

    def __init__(self, frame: FrameType | None = None) -> None:
        self._frame = frame
        self._installed = self._counted = False

    def __enter__(self) -> watched:
        """Install the handler, unless it is installed already."""
        if threading.get_ident() != _state.main:
            return self
        # Install anew where a body whose end was interrupted has left the handler behind. Held
        # sections do not look for that: they are short, and there are many of them.
        frame, self._frame = self._frame or sys._getframe(1), None
        if _signal.getsignal(_SIGINT) is not _handle or not (self._hold or _owner_lives(frame)):
            self._install(frame)
        # No function is called from here on, so no interrupt comes before the body begins.
        self._counted = True
        _state.depth += self._hold - self._installed
        return self

    def _install(self, frame: FrameType) -> None:
        present = _signal.getsignal(_SIGINT)
        if present is not _handle:
            if not callable(present):  # SIG_IGN, SIG_DFL, or not installed from Python
                return
            _state.before = present
        _state.owner = (id(frame), frame.f_code)
        _state.passed = _state.noted = _state.asked = False
        _state.patient = 0
        _state.depth = 1  # until the body begins
        _signal.signal(_SIGINT, _handle)
        self._installed = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Restore the former handler; raise a waiting interrupt, unless one is being raised."""
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
    """Let every interrupt wait until the body has ended or calls :func:`check`."""

    __slots__ = ()
    _hold = 1


class patient(watched):
    """Let the first interrupt only ask the body to end (:func:`asked`); the next one acts at once.

    Within another such body this does nothing: the outer one decides what follows.

    Attributes
    ----------
    asked : bool
        After the body: whether an interrupt has asked it to end. The caller has to do what is to
        follow, for which there is :func:`act_now`.
    """

    __slots__ = ("_outer", "asked")

    def __enter__(self) -> patient:
        """Install the handler, unless it is installed already."""
        self._frame = self._frame or sys._getframe(1)
        super().__enter__()
        self._frame, self.asked, self._outer = None, False, _state.patient == 0
        if self._counted:
            _state.patient += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Restore the former handler; see :class:`watched`."""
        if self._counted:
            _state.patient -= 1
            if self._outer:
                self.asked, _state.asked = _state.asked, False
        super().__exit__(kind, error, _)


def asked() -> bool:
    """Whether an interrupt has asked this body to end, and this is the main thread."""
    return _state.asked and threading.get_ident() == _state.main


def act_now() -> None:
    """Do what the handler that was installed before ours does at an interrupt: mostly, raise."""
    if _signal.getsignal(_SIGINT) is _handle:  # in a body that is watched
        _pass_on(sys._getframe(1))
    else:
        _signal.raise_signal(_SIGINT)


def rearm() -> None:
    """Let the next interrupt act at once again, since the clean-up after the last has ended.

    The run may go on: a user's callback may have caught the last interrupt.
    """
    if _state.passed and threading.get_ident() == _state.main:
        _state.passed = False
        check()


def pending() -> bool:
    """Whether an interrupt waits, and this is the main thread."""
    return _state.noted and threading.get_ident() == _state.main


def check() -> None:
    """Let a waiting interrupt act now, unless the engine is cleaning up after another."""
    if pending() and not (_state.passed and _state.depth == 0):
        _state.noted = False
        _pass_on(sys._getframe(1))


def _after_fork() -> None:
    _state.main = threading.get_ident()  # a child's main thread is the thread that forked it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

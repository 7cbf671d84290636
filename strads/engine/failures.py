"""Errors of user code: which code is to blame, and how processes send errors to the leader."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from numba import cloudpickle

from strads.engine.errors import KernelError, RemoteTraceback, StradsError


@contextmanager
def blamed(culprit: str) -> Iterator[None]:
    """Turn an exception that a user's code raises into an error that names that code.

    Errors of this package are left as they are: they name their culprit already.

    Raises
    ------
    KernelError
        With the original exception as its cause.
    """
    try:
        yield
    except StradsError:
        raise
    except Exception as error:
        raise KernelError(f"{culprit} raised {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Failure:
    """An error of a process, packed to be sent to the leader.

    Attributes
    ----------
    summary : str
        Type of the error, and its message.
    text : str
        The formatted traceback.
    pickled : bytes or None
        The error with its causes, if it is one of this package and can be pickled.
    """

    summary: str
    text: str
    pickled: bytes | None

    @staticmethod
    def of(error: BaseException) -> Failure:
        """Pack an error."""
        text = "".join(traceback.format_exception(error))
        return Failure(f"{type(error).__name__}: {error}", text, _pickled(error))

    def error(self, name: str) -> StradsError:
        """Return the error that the leader raises on behalf of the process `name`.

        An error of this package is returned as it was; any other becomes a KernelError. The
        traceback of the other process is the last in its chain of causes.
        """
        remote = RemoteTraceback(f"in {name}:\n{self.text}")
        if self.pickled is None:
            return KernelError(f"{name}: {self.summary}", remote.text)
        sent: StradsError = cloudpickle.loads(self.pickled)
        last: BaseException = sent
        while last.__cause__ is not None:
            last = last.__cause__
        last.__cause__ = remote
        return sent


def _pickled(error: BaseException) -> bytes | None:
    """Pickle an error of this package, without its cause if that cannot be pickled."""
    if not isinstance(error, StradsError):
        return None
    for cause in (error.__cause__, None):
        error.__cause__ = cause
        try:
            # cloudpickle sends classes that cannot be imported by value. Unpickle as a test: an
            # exception whose __init__ takes other arguments than its args fails only then.
            packed: bytes = cloudpickle.dumps(error)
            cloudpickle.loads(packed)
        except Exception:
            continue
        return packed
    return None
